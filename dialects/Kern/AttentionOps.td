//===- AttentionOps.td - caches and attention ------------------*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_KERN_ATTENTIONOPS_TD
#define SINTER_KERN_ATTENTIONOPS_TD

include "dialects/Kern/KernBase.td"

def Kern_CacheAttr : TypeAttrBase<"::sinter::kv::CacheType", "a kv.cache type">;
def Kern_CachePartAttr : Attr<CPred<"::llvm::isa<::sinter::kv::PartAttr>($_self)">, "a half of a cache"> {
  let storageType = "::sinter::kv::PartAttr";
  let returnType = "::sinter::kv::Part";
  let convertFromStorage = "$_self.getValue()";
}
def Kern_Bytes : MemRefRankOf<[I8], [1]>;
def Kern_Floats : MemRefRankOf<[F32], [1]>;

class Kern_CacheOp<string mnemonic, list<Trait> traits = []> : Kern_Op<mnemonic, traits # [
    DeclareOpInterfaceMethods<Kern_KernelOpInterface, ["getGrain", "getScratchBytes"]>]> {
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
}

def Kern_AppendOp : Kern_CacheOp<"append", [SingleBlock, RecursivelySpeculatable]> {
  let summary = "writes new keys or values into a cache";
  let description = [{
    Writes half `part` of the tokens at positions past .. past + tokens - 1 of every sequence. The region gives element (sequence, KV
    head, new token, channel); rotary embedding and transposes are part of it. A work item is 64 tokens of one head.
    An import from plain [B,H,T,D] is an append at 0.

    ```mlir
    kern.append range(%begin to %end) cache(%kv : memref<?xi8>) past(%past) tokens(%s) sequences(%b) {
    ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
      %x = memref.load %k[%sequence, %token, %head, %channel] : memref<?x?x4x64xf32>
      kern.yield %x : f32
    } {type = !kv.cache<heads = 4, key = 64, value = 64, capacity = 2048, #kv.blocked<bf16>>, part = #kv.part<key>}
    ```
  }];
  let arguments = (ins Index:$begin, Index:$end, Kern_Bytes:$cache, Index:$past, Index:$tokens, Index:$sequences,
                       Kern_CacheAttr:$type, Kern_CachePartAttr:$part);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `range` `(` $begin `to` $end `)` `cache` `(` $cache `:` type($cache) `)` `past` `(` $past `)` `tokens` `(` $tokens `)`
    `sequences` `(` $sequences `)` $body attr-dict
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$begin, "::mlir::Value":$end, "::mlir::Value":$cache, "::mlir::Value":$past,
                                 "::mlir::Value":$tokens, "::mlir::Value":$sequences, "::sinter::kv::CacheType":$type,
                                 "::sinter::kv::Part":$part,
                                 "::sinter::kern::RegionBuilder":$body)>];
}

def Kern_AttentionOp : Kern_CacheOp<"attention", [AttrSizedOperandSegments, RecursivelySpeculatable]> {
  let summary = "attends to a cache";
  let description = [{
    out[b, i, h, :] = sum over positions j of softmax_j(score) * value[b, h / (heads / KV heads), j, :], where
    score = softcap(scale * dot(query[b, h, i, :], key[j])) + bias, for i in [0, tokens), j in [0, total).
    `outs` is [sequences, tokens, heads, value channels], contiguous, of f32, f16 or bf16. Query heads h = g .. g + heads / KV heads - 1 share
    KV head g.

    - `query` gives element (sequence, head, i, channel).
    - `mask` gives (sequence, head, i, j) -> bias: f32, or keep: i1, or both (bias first). A position is masked if keep is false or bias is -inf;
      a finite bias, however small, is only added, so a row of equal finite biases is an even average, as in the file. It is
      evaluated for 16 positions at once, inside the tile, and only for positions that are visible.
    - `causal`: j <= past + i, else masked. `window` = W: past + i - W < j, else masked. Blocks wholly masked by them are skipped; `mask` need
      not repeat them.
    - `outside` = L: positions that `causal` and `window` exclude are not masked: `mask`, which must give them a bias of at most L, is all that
      tells. Their blocks are skipped first; where a row of the tile then has no score of more than L / 2, all of its positions have such
      a bias, as in a row of padding, and the tile is computed again with every block. Else a skipped position weighs e^(score + L - L / 2)
      at most, which is 0, as every score is smaller than -L / 2 - 88: an assumption for f16's -65504, certain for f32's least number.
    - `softcap` = C: C * tanh(score / C).
    - `sinks`: a logit a head that takes part in the softmax with a zero value.
    - `zero_masked_rows`: the result of a row with every position masked is 0; otherwise it is NaN, as of 0 / 0.

    Order: blocks of 64 positions, each from scratch; merged left to right within spans of 512, spans left to right.
    In a bf16 cache, where the target has avx512bf16, queries and probabilities are rounded to bf16 and both products are pairwise bf16
    dots with f32 accumulators; elsewhere all arithmetic is f32. Both hold for any number of tokens.

    Work items are (sequence, KV head, tile of queries). With `partials`, where there are at most `getSplitTokens()` new tokens and more
    than one span, they are (sequence, KV head, span): partial results go to `partials` and `kern.attention_merge`, the next
    dispatch, finishes; in all other cases the merge has no work items. The result has the same bits either way.

    ```mlir
    kern.attention range(%begin to %end) cache(%kv : memref<?xi8>) outs(%o : memref<?x?x32x64xf32>) past(%past) tokens(%s) total(%t)
        sequences(%b) scratch(%scratch : memref<?xi8>) query {
    ^bb0(%sequence: index, %head: index, %token: index, %channel: index):
      %x = memref.load %q[%sequence, %token, %head, %channel] : memref<?x?x32x64xf32>
      kern.yield %x : f32
    } mask {
    ^bb0(%sequence: index, %head: index, %token: index, %position: index):
      %m = memref.load %mask[%sequence, %position] : memref<?x?xi64>
      %keep = arith.cmpi ne, %m, %zero : i64
      kern.yield %keep : i1
    } {type = !kv.cache<heads = 4, key = 64, value = 64, capacity = 2048, #kv.blocked<bf16>>, scale = 1.25e-1 : f32, causal}
    ```
  }];
  let arguments = (ins Index:$begin, Index:$end, Kern_Bytes:$cache, MemRefRankOf<[F32, F16, BF16], [4]>:$out, Index:$past, Index:$tokens,
                       Index:$total, Index:$sequences, Optional<Kern_Floats>:$sinks, Optional<Kern_Floats>:$partials, Kern_Bytes:$scratch,
                       Kern_CacheAttr:$type, F32Attr:$scale, OptionalAttr<F32Attr>:$softcap, UnitAttr:$causal,
                       OptionalAttr<I64Attr>:$window, OptionalAttr<F32Attr>:$outside, UnitAttr:$zero_masked_rows);
  let regions = (region SizedRegion<1>:$query, MaxSizedRegion<1>:$mask);
  let assemblyFormat = [{
    `range` `(` $begin `to` $end `)` `cache` `(` $cache `:` type($cache) `)` `outs` `(` $out `:` type($out) `)` `past` `(` $past `)`
    `tokens` `(` $tokens `)` `total` `(` $total `)` `sequences` `(` $sequences `)` (`sinks` `(` $sinks^ `:` type($sinks) `)`)?
    (`partials` `(` $partials^ `:` type($partials) `)`)? `scratch` `(` $scratch `:` type($scratch) `)`
    `query` $query (`mask` $mask^)? attr-dict
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$begin, "::mlir::Value":$end, "::mlir::Value":$cache, "::mlir::Value":$out,
                                 "::mlir::Value":$past, "::mlir::Value":$tokens, "::mlir::Value":$total, "::mlir::Value":$sequences,
                                 "::mlir::Value":$sinks, "::mlir::Value":$partials, "::mlir::Value":$scratch, "::sinter::kv::CacheType":$type,
                                 "float":$scale, "::sinter::kern::RegionBuilder":$query,
                                 CArg<"::sinter::kern::RegionBuilder", "nullptr">:$mask)>];
  let extraClassDeclaration = [{
    /// Query heads.
    int64_t getHeads() { return mlir::cast<mlir::MemRefType>(getOut().getType()).getDimSize(2); }
    /// Query heads of one KV head.
    int64_t getGroup() { return getHeads() / getType().getHeads(); }
    AttentionTile getTile() { return AttentionTile::of(getType(), getHeads()); }
  }];
}

def Kern_AttentionMergeOp : Kern_CacheOp<"attention_merge"> {
  let summary = "finishes an attention that was split over spans of the context";
  let description = [{
    Merges the `partials` of the `kern.attention` before it, which has the same operands and attributes, span by span from left to right.
    It has no work items where that op wrote its result itself. A work item is a KV head of a sequence.
  }];
  let arguments = (ins Index:$begin, Index:$end, MemRefRankOf<[F32, F16, BF16], [4]>:$out, Index:$tokens, Index:$total, Index:$sequences,
                       Optional<Kern_Floats>:$sinks, Kern_Floats:$partials, Kern_CacheAttr:$type, UnitAttr:$zero_masked_rows);
  let assemblyFormat = [{
    `range` `(` $begin `to` $end `)` `outs` `(` $out `:` type($out) `)` `tokens` `(` $tokens `)` `total` `(` $total `)`
    `sequences` `(` $sequences `)` (`sinks` `(` $sinks^ `:` type($sinks) `)`)? `partials` `(` $partials `:` type($partials) `)` attr-dict
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$begin, "::mlir::Value":$end, "::mlir::Value":$out, "::mlir::Value":$tokens,
                                 "::mlir::Value":$total, "::mlir::Value":$sequences, "::mlir::Value":$sinks, "::mlir::Value":$partials,
                                 "::sinter::kv::CacheType":$type, "bool":$zeroMaskedRows)>];
  let extraClassDeclaration = [{
    /// Query heads.
    int64_t getHeads() { return mlir::cast<mlir::MemRefType>(getOut().getType()).getDimSize(2); }
    AttentionTile getTile() { return AttentionTile::of(getType(), getHeads()); }
  }];
}

#endif // SINTER_KERN_ATTENTIONOPS_TD
