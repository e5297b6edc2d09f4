//===- KVBase.td - what caches and layouts share --------- -*- tablegen -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_KV_BASE_TD
#define SINTER_KV_BASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def KV_Dialect : Dialect {
  let name = "kv";
  let cppNamespace = "::sinter::kv";
  let summary = "key/value caches and how they lie in memory";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect"];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}

class KV_Type<string name, string mnemonic_, list<Trait> traits = []> : TypeDef<KV_Dialect, name, traits> { let mnemonic = mnemonic_; }
class KV_Attr<string name, string mnemonic_, list<Trait> traits = []> : AttrDef<KV_Dialect, name, traits> { let mnemonic = mnemonic_; }

def KV_KVLayout : AttrInterface<"KVLayout"> {
  let description = [{
    How the keys and values of one cache lie in memory.

    A cache is one run of bytes: sequences, in each the KV heads, in each blocks of `kBlockTokens` tokens, in each first the keys
    and then the values. So a thread that attends to one head reads one linear stream, nothing moves when sequences are
    added, and an attention kernel meets exactly one block at a time. A layout settles what is inside a block.
    Methods that build IR get the cache as `memref<?xi8>` and make `arith`, `memref` and `vector` ops at the builder's position.
  }];
  let cppNamespace = "::sinter::kv";
  let methods = [
    InterfaceMethod<"The type of an element in memory: float.", "::mlir::FloatType", "getElementType", (ins)>,
    InterfaceMethod<[{
      How many neighbours stand together for a dot product: 2 means that two channels of a key (two tokens of a value) are adjacent,
      so that one vector of 16 x 2 elements feeds a pairwise dot with 16 lanes; 1 means none.
    }], "int64_t", "getPairing", (ins)>,
    InterfaceMethod<"Bytes of the keys (values) of one block of one head with `dim` channels; a multiple of 64.",
                    "int64_t", "getBlockBytes", (ins "::sinter::kv::Part":$part, "int64_t":$dim)>,
    InterfaceMethod<"Builds the element index, from the block's start of its part, of (token in the block, channel).",
                    "::mlir::Value", "emitElement",
                    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::sinter::kv::Part":$part, "int64_t":$dim,
                         "::mlir::Value":$token, "::mlir::Value":$channel)>,
    InterfaceMethod<[{
      Stores `lanes` channels of one token, from channel `channel` (a multiple of 16) of vector<16xf32> `x`. `start` is the byte offset of
      the part in the block, `token` the token in the block. Tokens of a pair must be stored in order by one thread.
    }], "void", "emitStore",
                    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::sinter::kv::Part":$part, "int64_t":$dim,
                         "::mlir::Value":$bytes, "::mlir::Value":$start, "::mlir::Value":$token, "::mlir::Value":$channel,
                         "int64_t":$lanes, "::mlir::Value":$x)>,
    InterfaceMethod<[{
      Loads keys: vector<(16 * pairing) x element>, lanes are the 16 tokens of group `group` (0..3) of the block, for channels
      `step` * pairing ...
    }], "::mlir::Value", "emitLoadKeys",
                    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "int64_t":$dim, "::mlir::Value":$bytes,
                         "::mlir::Value":$start, "int64_t":$group, "::mlir::Value":$step)>,
    InterfaceMethod<[{
      Loads values: vector<(16 * pairing) x element>, lanes are channels 16 * `group` ..., for tokens `step` * pairing ... of the block.
    }], "::mlir::Value", "emitLoadValues",
                    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "int64_t":$dim, "::mlir::Value":$bytes,
                         "::mlir::Value":$start, "int64_t":$group, "::mlir::Value":$step)>,
  ];
}

#endif // SINTER_KV_BASE_TD
