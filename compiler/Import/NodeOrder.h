//===- NodeOrder.h - an order in which nodes can run ------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_COMPILER_IMPORT_NODEORDER_H
#define SINTER_COMPILER_IMPORT_NODEORDER_H

#include "compiler/Import/onnx.pb.h"

#include "llvm/ADT/SmallVector.h"

namespace sinter::importer {

using Nodes = google::protobuf::RepeatedPtrField<::onnx::NodeProto>;

/// Indices of `nodes` with producers before users, including users inside subgraphs; the file's own order where it is one. Names
/// that no node gives are of no concern. If there is none, `cycle` is set to a node that needs its own output.
/// Each name is the output of at most one node.
llvm::SmallVector<int> orderNodes(const Nodes &nodes, std::optional<int> &cycle);

} // namespace sinter::importer

#endif // SINTER_COMPILER_IMPORT_NODEORDER_H
