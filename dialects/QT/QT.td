//===- QT.td - the qt dialect -----------------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_QT_TD
#define SINTER_QT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def QT_Dialect : Dialect {
  let name = "qt";
  let cppNamespace = "::sinter::qt";
  let summary = "";
}

class QT_Op<string mnemonic, list<Trait> traits = []> : Op<QT_Dialect, mnemonic, traits>;
class QT_Type<string name, string mnemonic_, list<Trait> traits = []> : TypeDef<QT_Dialect, name, traits> { let mnemonic = mnemonic_; }
class QT_Attr<string name, string mnemonic_, list<Trait> traits = []> : AttrDef<QT_Dialect, name, traits> { let mnemonic = mnemonic_; }

#endif // SINTER_QT_TD
