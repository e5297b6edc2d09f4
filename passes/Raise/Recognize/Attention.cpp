//===- Attention.cpp - attention and its cache, from their parts --------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "dialects/Graph/Notes.h"
#include "passes/Raise/Recognize.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using sinter::onnx::NodeOp;

namespace sinter::raise {
namespace {

NodeOp nodeOf(Value v, StringRef type) {
  auto node = v.getDefiningOp<NodeOp>();
  return node && node.isOp(type) ? node : NodeOp();
}

/// Through copies and casts between floats.
Value peel(Value v, Inference &infer) {
  while (true) {
    v = copySource(v);
    auto node = nodeOf(v, "Cast");
    if (!node || !isa<FloatType>(infer[v].element) || !isa<FloatType>(infer[node.getInputs()[0]].element))
      return v;
    v = node.getInputs()[0];
  }
}

/// What stands between softmax and the product of queries and keys.
struct Scores {
  NodeOp product;
  double scale = 1;   ///< of the product
  double softcap = 0; ///< before masks
  struct Mask {
    Value value;     ///< null for AtLeast
    enum Kind { Add, KeepIf, DropIf, AtLeast } kind;
    double scale;    ///< that an additive mask gets
    double dropped;  ///< what a dropped score becomes, or the least that a masked one is
  };
  SmallVector<Mask> masks;
};

/// Walks from `v` down to a product, collecting scales and masks; `outer` is what multiplies v.
bool collectScores(Value v, double outer, Scores &s, Inference &infer) {
  v = peel(v, infer);
  auto node = v.getDefiningOp<NodeOp>();
  if (!node || !node.getDomain().empty())
    return false;
  if (node.isOp("MatMul")) {
    s.product = node;
    s.scale *= outer;
    return true;
  }
  if (node.isOp("Div") || node.isOp("Mul")) {
    for (unsigned side = 0; side < (node.isOp("Mul") ? 2u : 1u); ++side)
      if (auto c = infer.scalar(node.getInputs()[1 - side]); c && *c != 0) {
        Scores attempt = s;
        // softcap * tanh(x / softcap)
        if (auto tanh = nodeOf(peel(node.getInputs()[side], infer), "Tanh"); tanh && node.isOp("Mul") && outer == 1 && attempt.masks.empty() == s.masks.empty()) {
          if (!collectScores(tanh.getInputs()[0], *c, attempt, infer) || attempt.masks.size() != s.masks.size())
            return false;
          attempt.softcap = std::abs(*c); // what is inside was divided by it; a negative cap does the same, for tanh is odd
          s = attempt;
          return true;
        }
        if (collectScores(node.getInputs()[side], node.isOp("Mul") ? outer * *c : outer / *c, attempt, infer)) {
          s = attempt;
          return true;
        }
      }
    return false;
  }
  if (node.isOp("Add")) {
    for (unsigned side = 0; side < 2; ++side) {
      Scores attempt = s;
      if (collectScores(node.getInputs()[side], outer, attempt, infer)) {
        attempt.masks.push_back({node.getInputs()[1 - side], Scores::Mask::Add, outer, 0});
        s = attempt;
        return true;
      }
    }
    return false;
  }
  // Only a value that swallows any score may stand for a mask that is added, or be the least of one.
  constexpr double kSwallows = -1e9;
  if (node.isOp("Max") && node->getNumOperands() == 2) {
    for (unsigned side = 0; side < 2; ++side) {
      auto least = infer.scalar(node.getInputs()[1 - side]);
      Scores attempt = s;
      if (!least || *least * outer > kSwallows || !collectScores(node.getInputs()[side], outer, attempt, infer))
        continue;
      if (!attempt.masks.empty())
        attempt.masks.push_back({Value(), Scores::Mask::AtLeast, 1, *least * outer});
      s = attempt;
      return true;
    }
  }
  if (node.isOp("Where")) {
    for (unsigned side = 1; side <= 2; ++side) {
      auto dropped = infer.scalar(node.getInputs()[3 - side]);
      Scores attempt = s;
      if (!dropped || *dropped * outer > kSwallows || !collectScores(node.getInputs()[side], outer, attempt, infer))
        continue;
      attempt.masks.push_back({node.getInputs()[0], side == 1 ? Scores::Mask::KeepIf : Scores::Mask::DropIf, 1, *dropped * outer});
      s = attempt;
      return true;
    }
  }
  return false;
}

/// [B, G, T, D] where v is [B, G, D, T]: through one exchange of the last two axes, with views around it that keep them. Null where it is not.
Value peelTranspose(Value v, double &scale, Inference &infer);

/// A multiplication by a constant on the way to a product moves into the scale.
Value peelScale(Value v, double &scale, Inference &infer) {
  for (bool again = true; again;) {
    again = false;
    v = peel(v, infer);
    auto node = v.getDefiningOp<NodeOp>();
    if (!node || !(node.isOp("Mul") || node.isOp("Div")))
      return v;
    for (unsigned side = 0; side < (node.isOp("Mul") ? 2u : 1u); ++side)
      if (auto c = infer.scalar(node.getInputs()[1 - side]); c && *c != 0 && infer[node.getInputs()[side]].rank() == infer[v].rank()) {
        scale = node.isOp("Mul") ? scale * *c : scale / *c;
        v = node.getInputs()[side];
        again = true;
        break;
      }
  }
  return v;
}

Value peelTranspose(Value v, double &scale, Inference &infer) {
  const TensorInfo target = infer[v];
  bool exchanged = false;
  for (unsigned steps = 0; steps < 8; ++steps) {
    v = peelScale(v, scale, infer);
    const TensorInfo &here = infer[v];
    if (exchanged && here.rank() == 4 && infer.symbols.equal(here.shape[0], target.shape[0]) && infer.symbols.equal(here.shape[1], target.shape[1]))
      return v;
    auto node = v.getDefiningOp<NodeOp>();
    if (!node || here.rank() < 3)
      return {};
    Value input = node.getInputs()[0];
    const TensorInfo &before = infer[input];
    if (node.isOp("Transpose")) {
      auto perm = node.getInts("perm");
      int64_t rank = here.rank();
      if (exchanged || !perm || (*perm)[rank - 1] != rank - 2 || (*perm)[rank - 2] != rank - 1)
        return {};
      for (int64_t d = 0; d < rank - 2; ++d)
        if ((*perm)[d] != d)
          return {};
      exchanged = true;
    } else if (node.isOp("Reshape") || node.isOp("Unsqueeze") || node.isOp("Squeeze")) {
      if (before.rank() < 3)
        return {};
      for (int64_t d = 1; d <= 2; ++d)
        if (!infer.symbols.equal(before.shape[before.rank() - d], here.shape[here.rank() - d]))
          return {};
    } else {
      return {};
    }
    v = input;
  }
  return {};
}

Value toFloat(Lowering &lower, Location loc, Value tensor, const TensorInfo &info) {
  Type f32 = lower.builder.getF32Type();
  if (info.element == f32)
    return tensor;
  return lower.generate(loc, info.shape, f32, [&](OpBuilder &b, Location l, ValueRange index) {
    return castElement(b, l, tensor::ExtractOp::create(b, l, tensor, index), info.element, f32);
  });
}

/// All masks as one bias, or one i1 mask of what is kept where dropped scores are -inf.
Value combineMasks(Lowering &lower, Location loc, NodeOp product, ArrayRef<Scores::Mask> masks) {
  if (masks.empty())
    return {};
  Inference &infer = lower.infer;
  SmallVector<TensorInfo, 2> infos;
  for (const auto &mask : masks)
    if (mask.value)
      infos.push_back(infer[mask.value]);
  SmallVector<const TensorInfo *> pointers;
  for (auto &info : infos)
    pointers.push_back(&info);
  auto shape = infer.broadcast(product, pointers);
  if (failed(shape))
    return {};
  while (shape->size() < 4)
    shape->insert(shape->begin(), SymExpr(1));
  bool boolean = llvm::all_of(masks, [](const auto &m) { return (m.kind == Scores::Mask::KeepIf || m.kind == Scores::Mask::DropIf) && std::isinf(m.dropped); });
  Type f32 = lower.builder.getF32Type();
  return lower.generate(loc, *shape, boolean ? Type(lower.builder.getI1Type()) : f32, [&](OpBuilder &b, Location l, ValueRange index) {
    Value total;
    for (const auto &mask : masks) {
      if (mask.kind == Scores::Mask::AtLeast) {
        Value least = constant(b, l, f32, mask.dropped);
        total = total ? arith::MaximumFOp::create(b, l, total, least).getResult() : constant(b, l, f32, 0);
        continue;
      }
      Value x = lower.readBroadcast(b, l, mask.value, index);
      if (mask.kind == Scores::Mask::Add) {
        x = castElement(b, l, x, infer[mask.value].element, f32);
        if (mask.scale != 1)
          x = arith::MulFOp::create(b, l, x, constant(b, l, f32, mask.scale));
      } else if (boolean) {
        if (mask.kind == Scores::Mask::DropIf)
          x = arith::XOrIOp::create(b, l, x, constant(b, l, b.getI1Type(), 1));
        total = total ? arith::AndIOp::create(b, l, total, x).getResult() : x;
        continue;
      } else {
        Value none = constant(b, l, f32, 0), dropped = constant(b, l, f32, mask.dropped);
        bool keep = mask.kind == Scores::Mask::KeepIf;
        x = arith::SelectOp::create(b, l, x, keep ? none : dropped, keep ? dropped : none);
      }
      total = total ? arith::AddFOp::create(b, l, total, x).getResult() : x;
    }
    return total;
  });
}

} // namespace

Value repeatedHeads(Value v, Inference &infer) {
  auto reshape = nodeOf(v, "Reshape");
  if (!reshape)
    return {};
  auto expand = nodeOf(reshape.getInputs()[0], "Expand");
  if (!expand)
    return {};
  const TensorInfo &wide = infer[expand.getResult(0)], &out = infer[v], &narrow = infer[expand.getInputs()[0]];
  if (wide.rank() != 5 || out.rank() != 4 || narrow.rank() != 5 || !narrow.shape[2].is(1))
    return {};
  Value inner = expand.getInputs()[0];
  auto unsqueeze = inner.getDefiningOp<NodeOp>();
  if (!unsqueeze || !(unsqueeze.isOp("Unsqueeze") || unsqueeze.isOp("Reshape")))
    return {};
  Value heads = unsqueeze.getInputs()[0];
  const TensorInfo &source = infer[heads];
  if (source.rank() != 4)
    return {};
  auto equal = [&](const SymExpr &a, const SymExpr &b) { return infer.symbols.equal(a, b); };
  // [B, G, T, D] -> [B, G, 1, T, D] -> [B, G, n, T, D] -> [B, G*n, T, D]
  for (int64_t d = 0; d < 4; ++d)
    if (!equal(source.shape[d], narrow.shape[d < 2 ? d : d + 1]) || !equal(narrow.shape[d < 2 ? d : d + 1], wide.shape[d < 2 ? d : d + 1]))
      return {};
  if (!equal(out.shape[0], source.shape[0]) || !equal(out.shape[2], source.shape[2]) || !equal(out.shape[3], source.shape[3]) ||
      !equal(out.shape[1], wide.shape[1] * wide.shape[2]))
    return {};
  return heads;
}

bool recognizeAttention(NodeOp node, Lowering &lower) {
  if (!node.isOp("MatMul"))
    return false;
  Inference &infer = lower.infer;
  const TensorInfo out = infer[node.getResult(0)];
  if (!isa<FloatType>(out.element))
    return false;
  // Probabilities, with rows of NaN made zero.
  Value p = peel(node.getInputs()[0], infer);
  bool zeroMaskedRows = false;
  if (auto where = nodeOf(p, "Where")) {
    auto isNaN = nodeOf(where.getInputs()[0], "IsNaN");
    if (!isNaN || infer.scalar(where.getInputs()[1]) != 0)
      return false;
    p = peel(where.getInputs()[2], infer);
    if (peel(isNaN.getInputs()[0], infer) != p)
      return false;
    zeroMaskedRows = true;
  }
  auto softmax = nodeOf(p, "Softmax");
  if (!softmax)
    return false;
  // From here on it looks like attention; whoever wonders why it is slow is told.
  auto unlike = [&](const Twine &why) {
    graph::addNote(node, "not fused to attention, because " + why);
    return false;
  };
  if (out.rank() != 4)
    return unlike("its tensors have rank " + Twine(out.rank()) + " instead of 4");
  int64_t axis = softmax.getInt("axis", softmax.getSince() < 13 ? 1 : -1);
  if (axis != -1 && axis != 3)
    return unlike("the softmax is not along the last axis");
  Scores scores;
  if (!collectScores(softmax.getInputs()[0], 1, scores, infer)) {
    auto scored = peel(softmax.getInputs()[0], infer).getDefiningOp<NodeOp>();
    return unlike("the scores are no product with scales and masks: they come from " + (scored ? scored.getOpType() : "an input"));
  }
  const TensorInfo masked = infer[softmax.getInputs()[0]], plain = infer[scores.product.getResult(0)];
  auto isWidened = [&](auto pair) { return infer.symbols.resolve(std::get<1>(pair)).is(1) && !infer.symbols.resolve(std::get<0>(pair)).is(1); };
  if (masked.rank() != plain.rank() || llvm::any_of(llvm::zip(masked.shape, plain.shape), isWidened))
    return unlike("scales and masks make the scores larger");
  double scale = scores.scale;
  Value q = peelScale(scores.product.getInputs()[0], scale, infer), kt = peelScale(scores.product.getInputs()[1], scale, infer);
  Value v = peel(node.getInputs()[1], infer);
  const TensorInfo qInfo = infer[q], ktInfo = infer[kt], vInfo = infer[v];
  if (qInfo.rank() != 4 || ktInfo.rank() != 4 || vInfo.rank() != 4)
    return unlike("queries, keys and values are not all of rank 4");
  auto heads = qInfo.shape[1].constant(), headSize = qInfo.shape[3].constant(), valueSize = vInfo.shape[3].constant();
  if (!heads || !headSize || !valueSize || !infer.symbols.equal(vInfo.shape[1], qInfo.shape[1]) || !infer.symbols.equal(ktInfo.shape[1], qInfo.shape[1]) ||
      !infer.symbols.equal(vInfo.shape[0], qInfo.shape[0]) || !infer.symbols.equal(ktInfo.shape[0], qInfo.shape[0]))
    return unlike("queries, keys and values do not agree on a batch and on a number and a size of heads that are known when compiling");

  Location loc = node.getLoc();
  // Keys as [B, G, T, D]: undo the transposition, then the repetition of heads.
  double keyScale = scale;
  Value kNode = peelTranspose(kt, keyScale, infer);
  if (kNode)
    scale = keyScale;
  Value k, vTensor;
  TensorInfo kInfo;
  Value kGroup = kNode ? repeatedHeads(kNode, infer) : Value(), vGroup = repeatedHeads(v, infer);
  if (kGroup && vGroup && infer.symbols.equal(infer[kGroup].shape[1], infer[vGroup].shape[1])) {
    kNode = peel(kGroup, infer);
    v = peel(vGroup, infer);
  }
  if (kNode) {
    kInfo = infer[kNode];
    k = toFloat(lower, loc, lower.tensor(kNode), kInfo);
  } else {
    kInfo = ktInfo;
    std::swap(kInfo.shape[2], kInfo.shape[3]);
    k = toFloat(lower, loc, lower.transpose(loc, lower.tensor(kt), kInfo.shape, {0, 1, 3, 2}), kInfo);
  }
  vTensor = toFloat(lower, loc, lower.tensor(v), infer[v]);
  Value qTensor = toFloat(lower, loc, lower.tensor(q), qInfo);
  Value mask = combineMasks(lower, loc, scores.product, scores.masks);
  if (!scores.masks.empty() && !mask)
    return unlike("its masks cannot be put together");
  Shape shape{out.shape[0], out.shape[2], out.shape[1], out.shape[3]};
  Type f32 = lower.builder.getF32Type();
  auto attention = graph::AttentionOp::create(lower.builder, loc, lower.type(shape, f32), qTensor, k, vTensor, mask, Value(),
                                              llvm::APFloat(float(scale)), llvm::APFloat(float(scores.softcap)), /*causal=*/false, /*window=*/0,
                                              zeroMaskedRows);
  Value y = attention;
  lower.map(node.getResult(0), lower.generate(loc, out.shape, out.element, [&](OpBuilder &b, Location l, ValueRange i) {
    return castElement(b, l, tensor::ExtractOp::create(b, l, y, SmallVector<Value>{i[0], i[2], i[1], i[3]}), f32, out.element);
  }));
  return true;
}

bool recognizeAppend(NodeOp node, Lowering &lower) {
  BlockArgument past = appendedInput(node);
  if (!past || !isa<func::FuncOp>(past.getOwner()->getParentOp()))
    return false;
  const TensorInfo info = lower.infer[node.getResult(0)];
  int64_t axis = node.getInt("axis", 0);
  axis = axis < 0 ? axis + info.rank() : axis;
  auto func = cast<func::FuncOp>(past.getOwner()->getParentOp());
  if (!func.getArgAttr(past.getArgNumber(), "graph.state") || info.rank() != 4 || axis != 2)
    return false;
  Value result = graph::AppendOp::create(lower.builder, node.getLoc(), lower.type(info), lower.tensor(past), lower.tensor(node.getInputs()[1]), axis, IntegerAttr());
  lower.map(node.getResult(0), result);
  return true;
}

} // namespace sinter::raise
