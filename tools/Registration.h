//===- Registration.h - every dialect and pass of Sinter -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//
//
// The one list of what the tools know, so that they all know the same.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TOOLS_REGISTRATION_H
#define SINTER_TOOLS_REGISTRATION_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace sinter {

/// Adds Sinter's dialects, and upstream's with their extensions.
void registerDialects(mlir::DialectRegistry &registry);

/// Registers Sinter's passes and pipelines, and upstream's; once a process.
void registerPasses();

} // namespace sinter

#endif // SINTER_TOOLS_REGISTRATION_H
