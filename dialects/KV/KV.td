//===- KV.td - the kv dialect -----------------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_KV_TD
#define SINTER_KV_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def KV_Dialect : Dialect {
  let name = "kv";
  let cppNamespace = "::sinter::kv";
  let summary = "";
}

class KV_Op<string mnemonic, list<Trait> traits = []> : Op<KV_Dialect, mnemonic, traits>;
class KV_Type<string name, string mnemonic_, list<Trait> traits = []> : TypeDef<KV_Dialect, name, traits> { let mnemonic = mnemonic_; }
class KV_Attr<string name, string mnemonic_, list<Trait> traits = []> : AttrDef<KV_Dialect, name, traits> { let mnemonic = mnemonic_; }

#endif // SINTER_KV_TD
