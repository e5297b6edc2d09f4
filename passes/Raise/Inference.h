//===- Inference.h - shapes of onnx values, symbolically -------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_RAISE_INFERENCE_H
#define SINTER_PASSES_RAISE_INFERENCE_H

#include "dialects/Graph/Symbols.h"
#include "dialects/Onnx/Onnx.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/MathExtras.h"

namespace sinter::raise {

using graph::SymExpr;
using Shape = llvm::SmallVector<SymExpr, 4>;

/// No axis is longer: sums and products of a few sizes do not overflow.
constexpr int64_t kMaxSize = int64_t(1) << 48;

/// What is known of a tensor.
struct TensorInfo {
  /// As ONNX says it: unsigned integers are `ui8`, bool is i1.
  mlir::Type element;
  Shape shape;
  /// The elements of a small integer or bool tensor (at most 64), row-major, where all are known expressions.
  std::optional<llvm::SmallVector<SymExpr, 4>> elements;

  int64_t rank() const { return shape.size(); }
  /// Number of elements, where that is a constant that fits.
  std::optional<int64_t> staticSize() const {
    int64_t n = 1;
    for (const SymExpr &d : shape) {
      auto c = d.constant();
      if (!c || llvm::MulOverflow(n, *c, n))
        return std::nullopt;
    }
    return n;
  }
};

/// Bounds the user gave with --dim.
struct DimOption {
  std::string name;
  int64_t lo, hi;
};

/// The infos of all values of one graph, and the symbols in them.
class Inference {
public:
  graph::SymbolTable symbols;

  const TensorInfo &operator[](mlir::Value value) const {
    auto it = infos.find(value);
    static const TensorInfo none;
    return it == infos.end() ? none : it->second;
  }
  bool known(mlir::Value value) const { return infos.contains(value); }
  void set(mlir::Value value, TensorInfo info) { infos[value] = std::move(info); }

  /// The shape that ONNX's multidirectional broadcasting gives; equal sizes are unified. An error names the sizes at `op`.
  mlir::FailureOr<Shape> broadcast(mlir::Operation *op, llvm::ArrayRef<const TensorInfo *> operands);
  /// Two sizes that must be equal.
  mlir::LogicalResult unify(mlir::Operation *op, const SymExpr &a, const SymExpr &b, llvm::StringRef what);
  /// An input, which may be absent, that must broadcast to `shape` without making it larger: what reads it trusts its sizes.
  mlir::LogicalResult broadcastsTo(onnx::NodeOp node, unsigned input, llvm::ArrayRef<SymExpr> shape);
  /// The elements of an integer input that must be known when compiling (axes, a shape): an error that names it otherwise.
  mlir::FailureOr<llvm::SmallVector<SymExpr, 4>> elements(onnx::NodeOp node, unsigned input, llvm::StringRef what);
  /// The same, all of them constants.
  mlir::FailureOr<llvm::SmallVector<int64_t>> integers(onnx::NodeOp node, unsigned input, llvm::StringRef what);
  /// A float (or integer) scalar constant; nullopt where it is computed at run time.
  std::optional<double> scalar(mlir::Value value);
  /// Applies everything that unify has learned to all shapes.
  void resolveAll();

private:
  llvm::DenseMap<mlir::Value, TensorInfo> infos;
};

/// What a value is a copy of: through Identity, Concat of one tensor and Dropout that does nothing.
mlir::Value copySource(mlir::Value onnxValue);

/// The QuantizeLinear that a DequantizeLinear `v` undoes, or null.
onnx::NodeOp roundingBehind(mlir::Value v);

/// The input of the graph that a Concat of two appends to, or null. It may be rounded (quantized and dequantized) on the way, where everybody who
/// reads the result rounds it in the same way: that rounding is then none. It may be cast from f32 to what the Concat's tensors are.
mlir::BlockArgument appendedInput(onnx::NodeOp concat);

/// `axis` counted from the end where negative; an error at `op` where it is outside of [0, rank).
mlir::FailureOr<int64_t> normalizeAxis(mlir::Operation *op, int64_t axis, int64_t rank);

/// The element type without signedness, as arith wants it.
inline mlir::Type signless(mlir::Type type) {
  if (auto integer = llvm::dyn_cast<mlir::IntegerType>(type); integer && !integer.isSignless())
    return mlir::IntegerType::get(type.getContext(), integer.getWidth());
  return type;
}
inline bool isUnsigned(mlir::Type type) { return type.isUnsignedInteger() || type.isInteger(1); }

} // namespace sinter::raise

#endif // SINTER_PASSES_RAISE_INFERENCE_H
