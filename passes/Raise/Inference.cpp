//===- Inference.cpp - shapes of onnx values, symbolically --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Raise/Inference.h"

using namespace mlir;

namespace sinter::raise {

FailureOr<int64_t> normalizeAxis(Operation *op, int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return op->emitError("axis ") << axis << " is outside of a tensor of rank " << rank;
  return axis < 0 ? axis + rank : axis;
}

Value copySource(Value v) {
  while (auto node = v.getDefiningOp<onnx::NodeOp>()) {
    bool copy = node.isOp("Identity") || (node.isOp("Concat") && node->getNumOperands() == 1) || (node.isOp("Dropout") && !node.hasUsedOutput(1));
    if (!copy || node->getNumOperands() == 0)
      break;
    v = node.getInputs()[0];
  }
  return v;
}

/// In ONNX's own domain or, for 16 bits before opset 21, in onnxruntime's.
static bool isRounding(onnx::NodeOp node, StringRef type) { return node && (node.isOp(type) || node.isOp("com.microsoft", type)); }

onnx::NodeOp roundingBehind(Value v) {
  auto dequantize = v.getDefiningOp<onnx::NodeOp>();
  if (!isRounding(dequantize, "DequantizeLinear") || dequantize->getNumOperands() < 2)
    return {};
  auto quantize = dequantize.getInputs()[0].getDefiningOp<onnx::NodeOp>();
  return isRounding(quantize, "QuantizeLinear") && quantize->getNumOperands() == dequantize->getNumOperands() ? quantize : onnx::NodeOp();
}

/// The wider float that a Cast makes a narrower one of; null where `v` is none such.
static Value widerFloat(Value v) {
  auto cast = v.getDefiningOp<onnx::NodeOp>();
  if (!cast || !cast.isOp("Cast") || cast->getNumOperands() == 0)
    return {};
  auto from = dyn_cast<RankedTensorType>(cast.getInputs()[0].getType());
  constexpr int64_t kHalf = 10, kBfloat16 = 16;
  int64_t to = cast.getInt("to", 0);
  return from && from.getElementType().isF32() && (to == kHalf || to == kBfloat16) ? copySource(cast.getInputs()[0]) : Value();
}

/// Whether `a` and `b` have the same constants of one element behind input 0.
static bool sameParameters(onnx::NodeOp a, onnx::NodeOp b) {
  if (a->getNumOperands() != b->getNumOperands())
    return false;
  for (unsigned i = 1; i < a->getNumOperands(); ++i) {
    auto x = a.getInputs()[i].getDefiningOp<onnx::ConstantOp>(), y = b.getInputs()[i].getDefiningOp<onnx::ConstantOp>();
    auto elements = x ? dyn_cast<DenseElementsAttr>(x.getValue()) : DenseElementsAttr();
    if (!elements || elements.getNumElements() != 1 || !y || x.getValue() != y.getValue())
      return false;
  }
  return true;
}

BlockArgument appendedInput(onnx::NodeOp concat) {
  if (!concat || !concat.isOp("Concat") || concat->getNumOperands() != 2)
    return {};
  Value past = copySource(concat.getInputs()[0]);
  while (onnx::NodeOp inner = roundingBehind(past)) {
    auto undoes = past.getDefiningOp<onnx::NodeOp>();
    auto roundsAgain = [&](Operation *user) {
      auto node = dyn_cast<onnx::NodeOp>(user);
      return isRounding(node, "QuantizeLinear") && sameParameters(node, inner) && llvm::all_of(node->getUsers(), [&](Operation *reader) {
               auto dequantize = dyn_cast<onnx::NodeOp>(reader);
               return isRounding(dequantize, "DequantizeLinear") && sameParameters(dequantize, inner);
             });
    };
    if (!sameParameters(undoes, inner) || !llvm::all_of(concat->getUsers(), roundsAgain))
      return {};
    past = copySource(inner.getInputs()[0]);
  }
  if (Value wider = widerFloat(past))
    past = wider;
  return dyn_cast<BlockArgument>(past);
}

LogicalResult Inference::unify(Operation *op, const SymExpr &a, const SymExpr &b, StringRef what) {
  if (symbols.unify(a, b) == graph::SymbolTable::Unified::Never)
    return op->emitError("expected equal ") << what << ", but got " << symbols.str(a) << " and " << symbols.str(b);
  return success();
}

FailureOr<Shape> Inference::broadcast(Operation *op, ArrayRef<const TensorInfo *> operands) {
  int64_t rank = 0;
  for (const TensorInfo *info : operands)
    rank = std::max(rank, info->rank());
  Shape shape(rank, SymExpr(1));
  for (const TensorInfo *info : operands)
    for (int64_t d = 0; d < info->rank(); ++d) {
      SymExpr size = symbols.resolve(info->shape[d]);
      SymExpr &out = shape[rank - info->rank() + d];
      if (size.is(1))
        continue;
      if (out.is(1)) {
        out = size;
        continue;
      }
      if (failed(unify(op, out, size, "sizes in broadcasting")))
        return failure();
      if (size.constant())
        out = size;
      out = symbols.resolve(out);
    }
  return shape;
}

LogicalResult Inference::broadcastsTo(onnx::NodeOp node, unsigned input, ArrayRef<SymExpr> shape) {
  Value value = node.getInputOrNull(input);
  if (!value)
    return success();
  const TensorInfo info = (*this)[value];
  if (info.rank() > int64_t(shape.size()))
    return node.emitError("expected input ") << input << " of " << node.getOpType() << " to have rank " << shape.size() << " or less, but got " << info.rank();
  for (auto [size, target] : llvm::zip(info.shape, shape.take_back(info.rank())))
    if (!symbols.resolve(size).is(1) && failed(unify(node, size, target, ("sizes of the result and of input " + Twine(input)).str())))
      return failure();
  return success();
}

FailureOr<SmallVector<SymExpr, 4>> Inference::elements(onnx::NodeOp node, unsigned input, StringRef what) {
  Value value = node.getInputOrNull(input);
  if (!value)
    return node.emitError("expected an input for ") << what;
  const TensorInfo &info = (*this)[value];
  if (!info.elements)
    return node.emitError(what) << " is computed at run time, which is not supported";
  SmallVector<SymExpr, 4> out;
  for (const SymExpr &e : *info.elements)
    out.push_back(symbols.resolve(e));
  return out;
}

FailureOr<SmallVector<int64_t>> Inference::integers(onnx::NodeOp node, unsigned input, StringRef what) {
  auto exprs = elements(node, input, what);
  if (failed(exprs))
    return failure();
  SmallVector<int64_t> out;
  for (const SymExpr &e : *exprs) {
    auto c = e.constant();
    if (!c)
      return node.emitError(what) << " depends on the size " << symbols.str(e) << ", which is not supported";
    out.push_back(*c);
  }
  return out;
}

/// The number that all elements are.
static std::optional<double> splat(DenseElementsAttr dense) {
  if (!dense || dense.empty() || !dense.isSplat())
    return std::nullopt;
  if (isa<FloatType>(dense.getElementType()))
    return dense.getSplatValue<APFloat>().convertToDouble();
  if (!isa<IntegerType>(dense.getElementType()))
    return std::nullopt;
  APInt element = dense.getSplatValue<APInt>();
  return isUnsigned(dense.getElementType()) ? double(element.getZExtValue()) : double(element.getSExtValue());
}

std::optional<double> Inference::scalar(Value value) {
  const TensorInfo &info = (*this)[value];
  if (info.elements && info.elements->size() == 1)
    if (auto c = symbols.resolve(info.elements->front()).constant())
      return *c;
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto constant = dyn_cast<onnx::ConstantOp>(op))
    return splat(dyn_cast<DenseElementsAttr>(constant.getValue()));
  // Arithmetic on scalars that exporters leave in the graph: 1 / sqrt(cast(64)).
  auto node = dyn_cast<onnx::NodeOp>(op);
  if (!node || !node.getDomain().empty() || node->getNumOperands() == 0 || node->getNumOperands() > 2)
    return std::nullopt;
  if (node.isOp("ConstantOfShape"))
    return node.getAttribute("value") ? splat(dyn_cast<DenseElementsAttr>(node.getAttribute("value"))) : 0.0;
  auto a = scalar(node.getInputs()[0]);
  if (!a)
    return std::nullopt;
  StringRef type = node.getOpType();
  if (type == "Cast" && isa<IntegerType>(info.element))
    return std::trunc(*a);
  if (type == "Cast" || type == "Identity" || type == "Unsqueeze" || type == "Reshape" || type == "Squeeze" || type == "Expand")
    return a;
  if (type == "Sqrt")
    return std::sqrt(*a);
  if (type == "Neg")
    return -*a;
  if (type == "Reciprocal")
    return 1 / *a;
  if (node->getNumOperands() < 2)
    return std::nullopt;
  auto b = scalar(node.getInputs()[1]);
  if (!b)
    return std::nullopt;
  if (type == "Div")
    return *a / *b;
  if (type == "Mul")
    return *a * *b;
  if (type == "Add")
    return *a + *b;
  if (type == "Sub")
    return *a - *b;
  if (type == "Pow")
    return std::pow(*a, *b);
  return std::nullopt;
}

void Inference::resolveAll() {
  for (auto &[value, info] : infos) {
    for (SymExpr &d : info.shape)
      d = symbols.resolve(d);
    if (info.elements)
      for (SymExpr &e : *info.elements)
        e = symbols.resolve(e);
  }
}

} // namespace sinter::raise
