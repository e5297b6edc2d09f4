//===- Graph.td - the graph dialect -----------------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_GRAPH_TD
#define SINTER_GRAPH_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Graph_Dialect : Dialect {
  let name = "graph";
  let cppNamespace = "::sinter::graph";
  let summary = "";
}

class Graph_Op<string mnemonic, list<Trait> traits = []> : Op<Graph_Dialect, mnemonic, traits>;
class Graph_Type<string name, string mnemonic_, list<Trait> traits = []> : TypeDef<Graph_Dialect, name, traits> { let mnemonic = mnemonic_; }
class Graph_Attr<string name, string mnemonic_, list<Trait> traits = []> : AttrDef<Graph_Dialect, name, traits> { let mnemonic = mnemonic_; }

#endif // SINTER_GRAPH_TD
