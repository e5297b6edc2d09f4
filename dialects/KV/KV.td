//===- KV.td - the kv dialect ------------------------ -*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_KV_TD
#define SINTER_KV_TD

include "dialects/KV/KVBase.td"
include "dialects/KV/Layouts/Blocked/Blocked.td"

def KV_Part : I32EnumAttr<"Part", "half of a cache", [I32EnumAttrCase<"Key", 0, "key">, I32EnumAttrCase<"Value", 1, "value">]> {
  let genSpecializedAttr = 0;
  let cppNamespace = "::sinter::kv";
}
def KV_PartAttr : EnumAttr<KV_Dialect, KV_Part, "part"> { let assemblyFormat = "`<` $value `>`"; }

def KV_CacheType : KV_Type<"Cache", "cache"> {
  let summary = "keys and values of one layer";
  let description = [{
    `!kv.cache<heads = 4, key = 64, value = 64, capacity = 2048, #kv.blocked<bf16>>`: for each sequence, `heads` KV heads with keys of
    `key` channels and values of `value` channels, and room for `capacity` tokens. The number of sequences and of valid tokens are run-time values of
    the ops that use the cache; tokens are at positions 0, 1, ... and truncating is only a smaller count.
  }];
  let parameters = (ins "int64_t":$heads, "int64_t":$keyDim, "int64_t":$valueDim, "int64_t":$capacity, "::sinter::kv::KVLayout":$layout);
  let assemblyFormat = "`<` `heads` `=` $heads `,` `key` `=` $keyDim `,` `value` `=` $valueDim `,` `capacity` `=` $capacity `,` $layout `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Channels of a key or of a value.
    int64_t getDim(Part part) const { return part == Part::Key ? getKeyDim() : getValueDim(); }
    /// Bytes of one block of one head, keys and values.
    int64_t getBlockBytes() const;
    /// Bytes of one head of one sequence at capacity.
    int64_t getHeadBytes() const;
    /// Bytes of all heads of one sequence at capacity: the memory of a cache is this times the number of sequences.
    int64_t getSequenceBytes() const { return getHeads() * getHeadBytes(); }
    /// What one more token of one sequence adds, rounded up.
    int64_t getBytesPerToken() const;

    /// Builds the byte offset of a part of a block: sequence, KV head and block are index values.
    mlir::Value emitBlockStart(mlir::OpBuilder &builder, mlir::Location loc, Part part, mlir::Value sequence, mlir::Value head,
                               mlir::Value block) const;
    /// Views a cache's bytes as elements; what emitElement indexes.
    mlir::Value emitElements(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value bytes) const;
    /// Builds the index, in emitElements' view, of one element: loading there and extending is how a cache is exported.
    mlir::Value emitElement(mlir::OpBuilder &builder, mlir::Location loc, Part part, mlir::Value sequence, mlir::Value head,
                            mlir::Value token, mlir::Value channel) const;
  }];
}

#endif // SINTER_KV_TD
