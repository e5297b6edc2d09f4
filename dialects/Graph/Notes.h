//===- Notes.h - what a compilation could not do as well -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_DIALECTS_GRAPH_NOTES_H
#define SINTER_DIALECTS_GRAPH_NOTES_H

#include "mlir/IR/BuiltinOps.h"

namespace sinter::graph {

/// Says that something was not fused, cut into chunks or kept in place: `what` is a sentence without a full stop that is the same for every place
/// where it holds, so that 32 layers give one line; `at` is one such place (a node's op; the module itself, or a function, names none). Kept in the module's
/// attribute `graph.notes` until the library is written; `sinter inspect` shows it. Only passes on the whole module may call this.
void addNote(mlir::Operation *at, const llvm::Twine &what);

/// The lines, in the order in which they were first added: "what: 'node', 'node' and 30 more".
std::vector<std::string> notes(mlir::ModuleOp module);

} // namespace sinter::graph

#endif // SINTER_DIALECTS_GRAPH_NOTES_H
