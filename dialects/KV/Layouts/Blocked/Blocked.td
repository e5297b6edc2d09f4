//===- Blocked.td - float caches in blocks ----------- -*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_KV_LAYOUTS_BLOCKED_TD
#define SINTER_KV_LAYOUTS_BLOCKED_TD

include "dialects/KV/KVBase.td"

def KV_BlockedAttr : KV_Attr<"Blocked", "blocked", [DeclareAttrInterfaceMethods<KV_KVLayout>]> {
  let summary = "floats, keys with tokens as lanes, values with channels as lanes";
  let description = [{
    `#kv.blocked<f32>`, `#kv.blocked<f16>`, `#kv.blocked<bf16>`. In a block of 64 tokens the keys are four groups of 16 tokens, each
    [channel][16 tokens]; the values are [token][channel], rows padded to 16 channels. So both products of attention are
    a vector load and a multiply by a broadcast, without horizontal sums.

    bf16 stands in pairs for `vdpbf16ps`: keys [channel pair][16 tokens][2 channels], values [token pair][channel][2 tokens]. Elsewhere the two
    halves of a 32-bit lane become floats by a shift and a mask.
  }];
  let parameters = (ins "::mlir::FloatType":$elementType);
  let assemblyFormat = "`<` $elementType `>`";
  let genVerifyDecl = 1;
}

#endif // SINTER_KV_LAYOUTS_BLOCKED_TD
