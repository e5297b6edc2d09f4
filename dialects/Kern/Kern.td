//===- Kern.td - the kern dialect ---------------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_KERN_TD
#define SINTER_KERN_TD

include "dialects/Kern/KernBase.td"
include "dialects/Kern/GenericOps.td"
include "dialects/Kern/LinearOps.td"
include "dialects/Kern/AttentionOps.td"
include "dialects/Kern/DispatchOps.td"

#endif // SINTER_KERN_TD
