//===- Shapes.cpp - the sizes of a tensor as expressions ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Shapes.h"
#include "dialects/Graph/Graph.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sinter::graph {

ArrayRef<SymExpr> Shapes::of(Value tensor) {
  if (auto it = known.find(tensor); it != known.end())
    return *it->second;
  SmallVector<SymExpr, 4> shape = compute(tensor);
  // What the type knows is better than what was computed.
  auto type = cast<RankedTensorType>(tensor.getType());
  assert(int64_t(shape.size()) == type.getRank());
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (!type.isDynamicDim(d))
      shape[d] = type.getDimSize(d);
  return *(known[tensor] = std::make_unique<SmallVector<SymExpr, 4>>(std::move(shape)));
}

SymExpr Shapes::elements(Value tensor) {
  SymExpr n = 1;
  for (const SymExpr &d : of(tensor))
    n = n * d;
  return n;
}

SmallVector<SymExpr, 4> Shapes::compute(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<SymExpr, 4> shape;
  for (int64_t d : type.getShape())
    shape.push_back(ShapedType::isDynamic(d) ? 0 : d);
  if (type.hasStaticShape())
    return shape;
  auto copy = [&](Value from) { return llvm::to_vector<4>(of(from)); };
  Operation *op = tensor.getDefiningOp();
  if (!op) {
    for (Operation *user : tensor.getUsers())
      if (auto bind = dyn_cast<BindOp>(user); bind && bind.getTensor() == tensor)
        for (auto [d, size] : llvm::enumerate(bind.getSizes()))
          shape[d] = symbols.fromValue(size);
    return shape;
  }
  return llvm::TypeSwitch<Operation *, SmallVector<SymExpr, 4>>(op)
      .Case<tensor::GenerateOp>([&](auto generate) {
        unsigned next = 0;
        for (int64_t d = 0; d < type.getRank(); ++d)
          if (type.isDynamicDim(d))
            shape[d] = symbols.fromValue(generate.getDynamicExtents()[next++]);
        return shape;
      })
      .Case<tensor::ReshapeOp>([&](auto reshape) {
        if (auto sizes = reshape.getShape().template getDefiningOp<tensor::FromElementsOp>())
          for (auto [d, size] : llvm::enumerate(sizes.getElements()))
            shape[d] = symbols.fromValue(size);
        return shape;
      })
      .Case<tensor::BitcastOp>([&](auto cast) { return copy(cast.getSource()); })
      .Case<LinearOp, NormOp, SoftmaxOp, ScanOp>([&](auto same) {
        auto input = copy(same.getInput());
        return input;
      })
      .Case<MatMulOp>([&](auto matmul) {
        auto result = copy(matmul.getA());
        result.back() = of(matmul.getB()).back();
        return result;
      })
      .Case<EmbeddingOp>([&](auto embedding) {
        auto result = copy(embedding.getIds());
        result.push_back(type.getShape().back());
        return result;
      })
      .Case<ScatterOp>([&](auto scatter) { return copy(scatter.getBase()); })
      .Case<TopKOp>([&](auto topk) {
        auto result = copy(topk.getInput());
        result.back() = symbols.fromValue(topk.getK());
        return result;
      })
      .Case<ReduceOp>([&](auto reduce) {
        SmallVector<SymExpr, 4> result;
        for (auto [d, size] : llvm::enumerate(of(reduce.getInput())))
          if (!llvm::is_contained(reduce.getAxes(), int64_t(d)))
            result.push_back(size);
        return result;
      })
      .Case<AppendOp>([&](auto append) {
        auto result = copy(append.getPast());
        if (append.getHalf())
          result.erase(result.begin());
        result[append.getAxis()] = result[append.getAxis()] + of(append.getUpdate())[append.getAxis()];
        return result;
      })
      .Case<AttentionOp>([&](auto attention) {
        auto q = copy(attention.getQuery());
        return SmallVector<SymExpr, 4>{q[0], q[2], q[1], of(attention.getValue())[3]};
      })
      .Default([&](Operation *) { return shape; });
}

} // namespace sinter::graph
