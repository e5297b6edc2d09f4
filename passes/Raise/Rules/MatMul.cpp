//===- MatMul.cpp - products of matrices --------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "passes/Raise/Rules.h"
#include "passes/Raise/Weights.h"

using namespace mlir;
using namespace sinter::raise;
using sinter::graph::LinearOp;
using sinter::onnx::NodeOp;

namespace {

/// The shape of numpy's matmul, with vectors as matrices of one row or column.
struct MatMulShape {
  Shape batch;
  SymExpr m, n, k;
  bool rowVector, columnVector;
  Shape result() const {
    Shape shape = batch;
    if (!rowVector)
      shape.push_back(m);
    if (!columnVector)
      shape.push_back(n);
    return shape;
  }
};

FailureOr<MatMulShape> matmulShape(NodeOp node, Inference &infer, unsigned rhs = 1) {
  const TensorInfo a = infer[node.getInputs()[0]], b = infer[node.getInputs()[rhs]];
  if (a.rank() < 1 || b.rank() < 1)
    return node.emitError("expected operands of rank 1 or more");
  MatMulShape s;
  s.rowVector = a.rank() == 1;
  s.columnVector = b.rank() == 1;
  s.m = s.rowVector ? SymExpr(1) : a.shape[a.rank() - 2];
  s.n = s.columnVector ? SymExpr(1) : b.shape.back();
  s.k = a.shape.back();
  if (failed(infer.unify(node, s.k, b.shape[s.columnVector ? 0 : b.rank() - 2], "inner sizes in MatMul")))
    return failure();
  TensorInfo aBatch, bBatch;
  if (!s.rowVector)
    aBatch.shape.assign(a.shape.begin(), a.shape.end() - 2);
  if (!s.columnVector)
    bBatch.shape.assign(b.shape.begin(), b.shape.end() - 2);
  auto batch = infer.broadcast(node, {&aBatch, &bBatch});
  if (failed(batch))
    return failure();
  s.batch = *batch;
  return s;
}

LogicalResult inferMatMul(NodeOp node, Inference &infer) {
  auto shape = matmulShape(node, infer);
  if (failed(shape))
    return failure();
  Type element = infer[node.getInputs()[0]].element;
  if (node.isOp("MatMulInteger"))
    element = Builder(node.getContext()).getI32Type();
  else if (element != infer[node.getInputs()[1]].element)
    return node.emitError("expected operands of one element type");
  infer.set(node.getResult(0), {element, shape->result(), {}});
  return success();
}

/// Rows times a weight, in f32: other float types are converted around it.
Value linear(Lowering &lower, Location loc, Value x, sinter::qt::SourceAttr source) {
  const TensorInfo xInfo = lower.infer[x];
  Type f32 = lower.builder.getF32Type();
  LinearInput input = linearInput(lower, loc, x, source);
  Shape shape = xInfo.shape;
  shape.back() = source.getRows();
  Value y = LinearOp::create(lower.builder, loc, lower.type(shape, f32), input.tensor, weightConstant(lower, loc, source), input.params, input.activation);
  if (xInfo.element != f32)
    y = lower.generate(loc, shape, xInfo.element, [&](OpBuilder &b, Location l, ValueRange index) {
      return castElement(b, l, tensor::ExtractOp::create(b, l, y, index), f32, xInfo.element);
    });
  return y;
}

/// A product of two computed tensors, which `readA` and `readB` give at (batch..., row, column); one accumulator type for both.
Value product(Lowering &lower, Location loc, const MatMulShape &s, Type accumulator, function_ref<Value(OpBuilder &, Location, ValueRange)> readA,
              function_ref<Value(OpBuilder &, Location, ValueRange)> readB) {
  Shape aShape = s.batch, bShape = s.batch, shape = s.batch;
  aShape.append({s.m, s.k});
  bShape.append({s.k, s.n});
  shape.append({s.m, s.n});
  if (lower.infer.symbols.resolve(s.k).is(1)) // an outer product needs no sum
    return lower.generate(loc, shape, accumulator, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
      SmallVector<Value> ai(index), bi(index);
      ai.back() = bi[bi.size() - 2] = constantIndex(b, l, 0);
      Value x = readA(b, l, ai), y = readB(b, l, bi);
      return isa<FloatType>(accumulator) ? arith::MulFOp::create(b, l, x, y).getResult() : arith::MulIOp::create(b, l, x, y).getResult();
    });
  Value a = lower.generate(loc, aShape, accumulator, readA), b = lower.generate(loc, bShape, accumulator, readB);
  return sinter::graph::MatMulOp::create(lower.builder, loc, lower.type(shape, accumulator), a, b);
}

/// Reads operand `v` of a matmul at (batch..., row, column), its own batch broadcast, its vector as a matrix.
Value readOperand(Lowering &lower, OpBuilder &b, Location l, Value v, ValueRange index, bool vector, bool isLhs) {
  if (vector)
    return lower.read(b, l, v, isLhs ? index.back() : index[index.size() - 2]);
  return lower.readBroadcast(b, l, v, index);
}

LogicalResult lowerMatMul(NodeOp node, Lowering &lower) {
  Value a = node.getInputs()[0], b = node.getInputs()[1];
  const TensorInfo info = lower.infer[node.getResult(0)];
  Location loc = node.getLoc();
  if (isa<FloatType>(info.element) && !info.element.isF64())
    if (auto source = weightSource(b, lower.infer, /*transposed=*/true)) {
      lower.map(node.getResult(0), linear(lower, loc, a, source));
      return success();
    }
  auto s = matmulShape(node, lower.infer);
  if (failed(s))
    return failure();
  Type element = info.element, accumulator = isa<FloatType>(element) && !element.isF64() ? Type(lower.builder.getF32Type()) : element;
  auto read = [&](Value v, bool vector, bool isLhs) {
    return [&lower, v, vector, isLhs, accumulator](OpBuilder &b, Location l, ValueRange index) {
      return castElement(b, l, readOperand(lower, b, l, v, index, vector, isLhs), lower.infer[v].element, accumulator);
    };
  };
  auto readA = read(a, s->rowVector, true), readB = read(b, s->columnVector, false);
  Value y = product(lower, loc, *s, accumulator, readA, readB);
  if (accumulator != signless(element)) {
    Shape shape = s->batch;
    shape.append({s->m, s->n});
    Value wide = y;
    y = lower.generate(loc, shape, element, [&](OpBuilder &b, Location l, ValueRange index) {
      return castElement(b, l, tensor::ExtractOp::create(b, l, wide, index), accumulator, element);
    });
  }
  if (s->rowVector || s->columnVector)
    y = lower.reshape(loc, y, info.shape);
  lower.map(node.getResult(0), y);
  return success();
}

/// The product of integers less their zero points (which may be null): one a tensor, or one a row of the left and a column of the right operand.
Value integerProduct(Lowering &lower, NodeOp node, const MatMulShape &s, Value a, Value aZero, Value b, Value bZero) {
  Type i32 = lower.builder.getI32Type();
  auto read = [&](Value v, Value zero, bool vector, bool isLhs) {
    return [&lower, v, zero, vector, isLhs, i32](OpBuilder &b, Location l, ValueRange index) -> Value {
      Value x = castElement(b, l, readOperand(lower, b, l, v, index, vector, isLhs), lower.infer[v].element, i32);
      if (!zero)
        return x;
      const TensorInfo &z = lower.infer[zero];
      SmallVector<Value> at(z.rank(), constantIndex(b, l, 0));
      if (z.staticSize() != 1)
        at[isLhs && z.rank() > 1 ? z.rank() - 2 : z.rank() - 1] = isLhs ? index[index.size() - 2] : index.back();
      return arith::SubIOp::create(b, l, x, castElement(b, l, lower.readStored(b, l, zero, at), z.element, i32));
    };
  };
  auto readA = read(a, aZero, s.rowVector, true), readB = read(b, bZero, s.columnVector, false);
  Value y = product(lower, node.getLoc(), s, i32, readA, readB);
  return s.rowVector || s.columnVector ? lower.reshape(node.getLoc(), y, s.result()) : y;
}

LogicalResult lowerMatMulInteger(NodeOp node, Lowering &lower) {
  auto s = matmulShape(node, lower.infer);
  if (failed(s))
    return failure();
  lower.map(node.getResult(0),
            integerProduct(lower, node, *s, node.getInputs()[0], node.getInputOrNull(2), node.getInputs()[1], node.getInputOrNull(3)));
  return success();
}

/// The inputs of QLinearMatMul.
enum { kA, kAScale, kAZero, kB, kBScale, kBZero, kYScale, kYZero, kQLinearInputs };

LogicalResult inferQLinearMatMul(NodeOp node, Inference &infer) {
  if (node->getNumOperands() != kQLinearInputs)
    return node.emitError("expected 8 inputs");
  auto shape = matmulShape(node, infer, kB);
  if (failed(shape))
    return failure();
  for (unsigned scalar : {kAScale, kAZero, kYScale, kYZero})
    if (infer[node.getInputs()[scalar]].staticSize() != 1)
      return node.emitError("QLinearMatMul is supported with one scale for the left operand and one for the result");
  for (unsigned integer : {kA, kB, kYZero})
    if (!infer[node.getInputs()[integer]].element.isInteger(8))
      return node.emitError("QLinearMatMul is supported for 8-bit integers");
  const TensorInfo &scale = infer[node.getInputs()[kBScale]];
  if (scale.staticSize() != 1 && (scale.rank() == 0 || !scale.shape.back().constant()))
    return node.emitError("expected one scale for the right operand, or one a column");
  infer.set(node.getResult(0), {infer[node.getInputs()[kYZero]].element, shape->result(), {}});
  return success();
}

LogicalResult lowerQLinearMatMul(NodeOp node, Lowering &lower) {
  auto s = matmulShape(node, lower.infer, kB);
  if (failed(s))
    return failure();
  Location loc = node.getLoc();
  ValueRange in = node.getInputs();
  Type f32 = lower.builder.getF32Type();
  const TensorInfo info = lower.infer[node.getResult(0)], scaleInfo = lower.infer[in[kBScale]];
  auto scalar = [&](OpBuilder &b, Location l, Value v) {
    SmallVector<Value> at(lower.infer[v].rank(), constantIndex(b, l, 0));
    return castElement(b, l, lower.readStored(b, l, v, at), lower.infer[v].element, lower.infer[v].element.isInteger() ? lower.infer[v].element : f32);
  };
  sinter::qt::SourceAttr source;
  auto n = s->n.constant(), k = s->k.constant();
  if (n && k && !s->rowVector && lower.infer[in[kB]].rank() == 2)
    source = affineSource(in[kB], in[kBScale], in[kBZero], *n, *k, /*transposed=*/true);
  LinearInput input;
  if (source)
    input = dequantizedInput(lower, loc, in[kA], in[kAScale], in[kAZero], source);
  Value real; // before it is quantized
  if (source && input.activation) {
    real = LinearOp::create(lower.builder, loc, lower.type(info.shape, f32), input.tensor, weightConstant(lower, loc, source), input.params, input.activation);
  } else {
    Value sum = integerProduct(lower, node, *s, in[kA], in[kAZero], in[kB], in[kBZero]);
    real = lower.generate(loc, info.shape, f32, [&](OpBuilder &b, Location l, ValueRange index) -> Value {
      SmallVector<Value> at(scaleInfo.rank(), constantIndex(b, l, 0));
      if (scaleInfo.staticSize() != 1 && !index.empty())
        at.back() = index.back();
      Value scale = castElement(b, l, lower.readStored(b, l, in[kBScale], at), scaleInfo.element, f32);
      scale = arith::MulFOp::create(b, l, scalar(b, l, in[kAScale]), scale);
      return arith::MulFOp::create(b, l, arith::SIToFPOp::create(b, l, f32, tensor::ExtractOp::create(b, l, sum, index)), scale);
    });
  }
  lower.map(node.getResult(0), lower.generate(loc, info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange index) {
    return quantizeElement(b, l, tensor::ExtractOp::create(b, l, real, index), scalar(b, l, in[kYScale]), scalar(b, l, in[kYZero]), info.element);
  }));
  return success();
}

LogicalResult inferGemm(NodeOp node, Inference &infer) {
  const TensorInfo a = infer[node.getInputs()[0]], b = infer[node.getInputs()[1]];
  if (a.rank() != 2 || b.rank() != 2)
    return node.emitError("expected matrices");
  bool ta = node.getInt("transA", 0), tb = node.getInt("transB", 0);
  if (failed(infer.unify(node, a.shape[ta ? 0 : 1], b.shape[tb ? 1 : 0], "inner sizes in Gemm")))
    return failure();
  Shape shape{a.shape[ta ? 1 : 0], b.shape[tb ? 0 : 1]};
  infer.set(node.getResult(0), {a.element, shape, {}});
  return infer.broadcastsTo(node, 2, shape);
}

LogicalResult lowerGemm(NodeOp node, Lowering &lower) {
  Value a = node.getInputs()[0], b = node.getInputs()[1], c = node.getInputOrNull(2);
  const TensorInfo aInfo = lower.infer[a], info = lower.infer[node.getResult(0)];
  Location loc = node.getLoc();
  bool ta = node.getInt("transA", 0), tb = node.getInt("transB", 0);
  double alpha = node.getFloat("alpha", 1), beta = node.getFloat("beta", 1);
  Value y;
  auto source = info.element.isF64() ? sinter::qt::SourceAttr() : weightSource(b, lower.infer, !tb);
  if (source && !ta) {
    y = linear(lower, loc, a, source);
  } else {
    MatMulShape s{{}, info.shape[0], info.shape[1], aInfo.shape[ta ? 0 : 1], false, false};
    Type accumulator = info.element.isF64() ? info.element : lower.builder.getF32Type();
    auto read = [&](Value v, bool swap) {
      return [&lower, v, swap, accumulator](OpBuilder &b, Location l, ValueRange i) {
        SmallVector<Value> at{i[swap ? 1 : 0], i[swap ? 0 : 1]};
        return castElement(b, l, lower.read(b, l, v, at), lower.infer[v].element, accumulator);
      };
    };
    auto readA = read(a, ta), readB = read(b, tb);
    y = product(lower, loc, s, accumulator, readA, readB);
    if (accumulator != info.element) {
      Value wide = y;
      y = lower.generate(loc, info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange i) {
        return castElement(b, l, tensor::ExtractOp::create(b, l, wide, i), accumulator, info.element);
      });
    }
  }
  if (c || alpha != 1) {
    Value plain = y;
    y = lower.generate(loc, info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange i) {
      Value x = tensor::ExtractOp::create(b, l, plain, i);
      if (alpha != 1)
        x = arith::MulFOp::create(b, l, x, constant(b, l, info.element, alpha));
      if (c) {
        Value bias = lower.readBroadcast(b, l, c, i);
        if (beta != 1)
          bias = arith::MulFOp::create(b, l, bias, constant(b, l, info.element, beta));
        x = arith::AddFOp::create(b, l, x, bias);
      }
      return x;
    });
  }
  lower.map(node.getResult(0), y);
  return success();
}

LogicalResult inferMatMulNBits(NodeOp node, Inference &infer) {
  TensorInfo info = infer[node.getInputs()[0]];
  int64_t n = node.getInt("N", 0), k = node.getInt("K", 0);
  if (n <= 0 || k <= 0 || info.rank() < 1)
    return node.emitError("expected attributes N and K above 0");
  if (failed(infer.unify(node, info.shape.back(), k, "inner sizes in MatMulNBits")))
    return failure();
  info.shape.back() = n;
  info.elements.reset();
  infer.set(node.getResult(0), info);
  Value bias = node.getInputOrNull(5);
  if (bias && infer[bias].rank() != 1)
    return node.emitError("expected a bias of rank 1");
  return bias ? infer.unify(node, infer[bias].shape[0], n, "numbers of columns and biases") : success();
}

LogicalResult lowerMatMulNBits(NodeOp node, Lowering &lower) {
  int64_t n = node.getInt("N", 0), k = node.getInt("K", 0), bits = node.getInt("bits", 4), block = node.getInt("block_size", 0);
  if (bits != 4 && bits != 8)
    return node.emitError("MatMulNBits with ") << bits << " bits is not supported";
  if (block < 16 || !llvm::isPowerOf2_64(block))
    return node.emitError("expected block_size to be a power of 2 from 16, but got ") << block;
  if (node.getInt("weight_prepacked", 0) != 0)
    return node.emitError("prepacked MatMulNBits weights are not supported: export without prepacking");
  if (node.getInputOrNull(4))
    return node.emitError("MatMulNBits with g_idx is not supported");
  Attribute payload = storedTensor(node.getInputs()[1]), scales = storedTensor(node.getInputs()[2]), zeros;
  if (Value z = node.getInputOrNull(3); z && !(zeros = storedTensor(z)))
    return node.emitError("expected constant zero points");
  if (!payload || !scales)
    return node.emitError("expected constant weights and scales");
  auto report = [&] { return node.emitError(); };
  llvm::function_ref<InFlightDiagnostic()> emitError(report);
  auto source = sinter::qt::SourceAttr::getChecked(emitError, node.getContext(), sinter::qt::Form::matmul_nbits, n, k, false, unsigned(bits),
                                                   block, payload, scales, zeros);
  if (!source)
    return failure();
  const TensorInfo info = lower.infer[node.getResult(0)];
  Value y = linear(lower, node.getLoc(), node.getInputs()[0], source);
  // accuracy_level 4 allows int8 activations; --activations=auto takes it up.
  if (node.getInt("accuracy_level", 0) == 4) {
    Operation *op = y.getDefiningOp();
    while (op && !isa<LinearOp>(op))
      op = nullptr;
    if (op)
      op->setAttr("accuracy_level", lower.builder.getI64IntegerAttr(4));
  }
  if (Value bias = node.getInputOrNull(5)) {
    Value plain = y;
    y = lower.generate(node.getLoc(), info.shape, info.element, [&](OpBuilder &b, Location l, ValueRange i) -> Value {
      return arith::AddFOp::create(b, l, tensor::ExtractOp::create(b, l, plain, i), lower.read(b, l, bias, i.back()));
    });
  }
  lower.map(node.getResult(0), y);
  return success();
}

} // namespace

void sinter::raise::addMatMulRules(RuleTable &table) {
  table.add("", "MatMul", {inferMatMul, lowerMatMul});
  table.add("", "MatMulInteger", {inferMatMul, lowerMatMulInteger});
  table.add("", "QLinearMatMul", {inferQLinearMatMul, lowerQLinearMatMul});
  table.add("", "Gemm", {inferGemm, lowerGemm});
  table.add("com.microsoft", "MatMulNBits", {inferMatMulNBits, lowerMatMulNBits});
}
