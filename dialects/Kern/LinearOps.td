//===- LinearOps.td - kernels ------------------------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_KERN_LINEAROPS_TD
#define SINTER_KERN_LINEAROPS_TD

include "dialects/Kern/KernBase.td"

#endif // SINTER_KERN_LINEAROPS_TD
