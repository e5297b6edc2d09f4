//===- Rotary.cpp - rotary position embeddings --------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Rules.h"
#include "passes/Raise/Rules/AttentionParts.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::onnx::NodeOp;

namespace {

/// Both operators: ONNX's (x, cos, sin, positions?) and onnxruntime's (x, positions, cos, sin).
struct Rotary {
  Value x, cosine, sine, positions;
  int64_t heads = 0, headSize = 0, rotary = 0;
  double scale = 1;
};

FailureOr<Rotary> readRotary(NodeOp node, Inference &infer) {
  Rotary r;
  bool onnx = node.getDomain().empty();
  r.x = node.getInputs()[0];
  r.positions = node.getInputOrNull(onnx ? 3 : 1);
  r.cosine = node.getInputs()[onnx ? 1 : 2];
  r.sine = node.getInputs()[onnx ? 2 : 3];
  r.scale = onnx ? 1 : node.getFloat("scale", 1);
  if (node.getInt("is_packed_batching", 0))
    return node.emitError("is_packed_batching is not supported");
  const TensorInfo x = infer[r.x], table = infer[r.cosine];
  if (x.rank() != 3 && x.rank() != 4)
    return node.emitError("expected an input of rank 3 or 4");
  if (table.rank() != (r.positions ? 2 : 3) || infer[r.sine].rank() != table.rank())
    return node.emitError("expected cosines and sines of rank ") << (r.positions ? 2 : 3);
  auto width = infer.symbols.resolve(x.shape.back()).constant(), half = infer.symbols.resolve(table.shape.back()).constant();
  if (!width || !half)
    return node.emitError("expected heads and cosines of a fixed width");
  int64_t given = node.getInt("rotary_embedding_dim", 0);
  r.rotary = given ? given : 2 * *half;
  r.heads = node.getInt("num_heads", 0);
  if (x.rank() == 4) {
    r.headSize = *width;
    auto count = infer.symbols.resolve(x.shape[1]).constant();
    r.heads = count.value_or(0);
  } else if (r.heads > 0) {
    r.headSize = *width / r.heads;
  } else {
    // onnxruntime's: without a number of heads the whole head is rotated.
    r.headSize = 2 * *half;
    r.heads = r.headSize ? *width / r.headSize : 0;
  }
  if (r.headSize <= 0 || (x.rank() == 3 && r.heads * r.headSize != *width) || r.rotary <= 0 || r.rotary % 2 || r.rotary > r.headSize || r.rotary / 2 > *half)
    return node.emitError("expected a head size of at least ") << r.rotary << " and cosines half as wide";
  if (failed(infer.unify(node, infer[r.sine].shape.back(), *half, "widths of cosines and sines")))
    return failure();
  const SymExpr &tokens = x.shape[x.rank() == 4 ? 2 : 1];
  if (!r.positions) {
    for (Value t : {r.cosine, r.sine})
      if (failed(infer.unify(node, infer[t].shape[1], tokens, "lengths of input and cosines")))
        return failure();
    return r;
  }
  const TensorInfo positions = infer[r.positions];
  bool offset = !onnx && (positions.rank() == 0 || (positions.rank() == 1 && positions.shape[0].is(1)));
  if (offset)
    return r;
  if (positions.rank() != 2)
    return node.emitError("expected position_ids [batch, sequence]");
  if (failed(infer.unify(node, positions.shape[1], tokens, "lengths of input and positions")))
    return failure();
  return r;
}

LogicalResult inferRotary(NodeOp node, Inference &infer) {
  if (failed(readRotary(node, infer)))
    return failure();
  TensorInfo info = infer[node.getInputs()[0]];
  info.elements.reset();
  infer.set(node.getResult(0), info);
  return success();
}

LogicalResult lowerRotary(NodeOp node, Lowering &lower) {
  auto r = readRotary(node, lower.infer);
  if (failed(r))
    return failure();
  const TensorInfo info = lower.infer[node.getResult(0)], table = lower.infer[r->cosine];
  bool interleaved = node.getInt("interleaved", 0), flat = info.rank() == 3;
  const TensorInfo positions = r->positions ? lower.infer[r->positions] : TensorInfo();
  lower.map(node.getResult(0), lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
    Value size = constantIndex(b, l, r->headSize), token = i[flat ? 1 : 2], channel = i.back();
    Value head = flat ? arith::DivUIOp::create(b, l, channel, size).getResult() : Value();
    if (flat)
      channel = arith::RemUIOp::create(b, l, channel, size);
    auto x = [&](Value c) {
      SmallVector<Value> at(i);
      at.back() = flat ? arith::AddIOp::create(b, l, arith::MulIOp::create(b, l, head, size), c).getResult() : c;
      return lower.read(b, l, r->x, at);
    };
    Value position;
    if (r->positions) {
      if (positions.rank() == 2) {
        position = toIndex(b, l, lower.readBroadcast(b, l, r->positions, ValueRange{i[0], token}));
      } else {
        Value first = toIndex(b, l, lower.read(b, l, r->positions, SmallVector<Value>(positions.rank(), constantIndex(b, l, 0))));
        position = arith::AddIOp::create(b, l, first, token);
      }
      position = safeIndex(b, l, position, lower.size(b, l, table.shape[0]));
    }
    auto reader = [&](Value v) {
      return [&, v](Value half) -> Value {
        Value y = position ? lower.read(b, l, v, ValueRange{position, half}) : lower.readBroadcast(b, l, v, ValueRange{i[0], token, half});
        return castElement(b, l, y, lower.infer[v].element, info.element);
      };
    };
    auto cosine = reader(r->cosine), sine = reader(r->sine);
    Value y = rotateChannel(b, l, channel, r->rotary, r->headSize, interleaved, x, cosine, sine);
    return r->scale == 1 ? y : arith::MulFOp::create(b, l, y, constant(b, l, info.element, r->scale)).getResult();
  }));
  return success();
}

} // namespace

void sinter::raise::addRotaryRules(RuleTable &table) {
  for (StringRef domain : {"", "com.microsoft"})
    table.add(domain, "RotaryEmbedding", {inferRotary, lowerRotary});
}
