//===- MatMul.cpp - kern.matmul as register tiles -------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/Generic.h"
#include "passes/Lower/CPU/Generic.h"
#include "passes/Lower/CPU/Items.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::lower;

/// Fewer rows of a than this read b where it lies.
constexpr int64_t kFewRows = 4;

namespace {
/// Emits one kern.matmul. Every output has one accumulator and takes k in order, whatever tile it falls into.
class MatMulEmitter {
public:
  MatMulEmitter(kern::MatMulOp op, kern::TargetAttr target) : op(op), loc(op.getLoc()) {
    element = op.getLhs().front().getTerminator()->getOperand(0).getType();
    SmallVector<OpFoldResult> shape = op.getMixedShape();
    rows = shape[shape.size() - 2];
    columns = shape.back();
    depth = op.getMixedDepth();
    // Accumulators, one vector of b and a broadcast element fill the registers.
    bool wide = target.has("avx512f");
    bool narrow = element.getIntOrFloatBitWidth() == 32;
    tileRows = narrow ? 6 : wide ? 4 : 2;
    tileVectors = wide ? (narrow ? 4 : 2) : 1;
  }

  LogicalResult emit(OpBuilder &builder) {
    SmallVector<OpFoldResult> items = op.getMixedShape();
    size_t rank = items.size();
    items[rank - 2] = kern::blocksOf(builder, loc, rows, kern::kMatMulRows);
    items[rank - 1] = kern::blocksOf(builder, loc, columns, kern::kMatMulColumns);
    if (int64_t bytes = op.getScratchBytes()) {
      int64_t panel = bytes / (element.getIntOrFloatBitWidth() / 8);
      scratch = memref::ViewOp::create(builder, loc, MemRefType::get({panel}, element), op.getScratch(),
                                       indexConstant(builder, loc, 0), ValueRange());
    }
    bool failed = false;
    forEachItem(builder, loc, op.getBegin(), op.getEnd(), items, [&](OpBuilder &b, Location, ValueRange indices) {
      batch = indices.drop_back(2);
      auto [row, rowEnd] = blockBounds(b, indices[rank - 2], rows, kern::kMatMulRows);
      auto [column, columnEnd] = blockBounds(b, indices[rank - 1], columns, kern::kMatMulColumns);
      auto packed = [&](OpBuilder &i) { failed |= mlir::failed(emitPacked(i, row, rowEnd, column, columnEnd)); };
      auto direct = [&](OpBuilder &i) { failed |= mlir::failed(emitDirect(i, row, rowEnd, column, columnEnd)); };
      // Packing pays where its rows are read more often than they are written.
      if (!scratch)
        return direct(b);
      if (std::optional<int64_t> known = getConstantIntValue(rows))
        return *known < kFewRows ? direct(b) : packed(b);
      Value count = arith::SubIOp::create(b, loc, indexValue(b, loc, rowEnd), indexValue(b, loc, row));
      Value few = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, count, indexConstant(b, loc, kFewRows));
      auto branch = [&](auto emit) {
        return [emit](OpBuilder &i, Location l) {
          emit(i);
          scf::YieldOp::create(i, l);
        };
      };
      scf::IfOp::create(b, loc, few, branch(direct), branch(packed));
    });
    return success(!failed);
  }

private:
  /// Gives vector `number` of b at (k, columns from the tile's first).
  using LoadRight = function_ref<FailureOr<Value>(OpBuilder &, Value k, int64_t number)>;

  std::pair<OpFoldResult, OpFoldResult> blockBounds(OpBuilder &builder, Value index, OpFoldResult size, int64_t block) {
    if (getConstantIntValue(size).value_or(INT64_MAX) <= block)
      return {builder.getIndexAttr(0), size};
    Value step = indexConstant(builder, loc, block), first = arith::MulIOp::create(builder, loc, index, step);
    Value end = arith::MinUIOp::create(builder, loc, arith::AddIOp::create(builder, loc, first, step),
                                       indexValue(builder, loc, size));
    return {OpFoldResult(first), OpFoldResult(end)};
  }

  /// Runs `body` on tiles of rows: whole tiles, then single rows.
  LogicalResult forRows(OpBuilder &builder, OpFoldResult low, OpFoldResult high,
                        function_ref<LogicalResult(OpBuilder &, ValueRange)> body) {
    LogicalResult result = success();
    Value first = indexValue(builder, loc, low), end = indexValue(builder, loc, high),
          tile = indexConstant(builder, loc, tileRows);
    Value count = builder.createOrFold<arith::SubIOp>(loc, end, first);
    Value rest = builder.createOrFold<arith::RemUIOp>(loc, count, tile);
    Value full = builder.createOrFold<arith::SubIOp>(loc, end, rest);
    auto loop = [&](Value from, Value to, int64_t step) {
      if (std::optional<int64_t> a = getConstantIntValue(from), b = getConstantIntValue(to); a && b && *a >= *b)
        return;
      scf::ForOp::create(builder, loc, from, to, indexConstant(builder, loc, step), ValueRange(),
                         [&](OpBuilder &b, Location l, Value row, ValueRange) {
                           SmallVector<Value> indices;
                           for (int64_t i = 0; i < step; ++i)
                             indices.push_back(
                                 i == 0 ? row : arith::AddIOp::create(b, l, row, indexConstant(b, l, i)).getResult());
                           if (failed(body(b, indices)))
                             result = failure();
                           scf::YieldOp::create(b, l);
                         });
    };
    loop(first, full, tileRows);
    loop(full, end, 1);
    return result;
  }

  /// The product for some rows and `vectors` vectors of columns.
  FailureOr<SmallVector<Value>> product(OpBuilder &builder, ValueRange tile, int64_t vectors, LoadRight right) {
    Value zeros = splatConstant(builder, loc, cast<TypedAttr>(builder.getZeroAttr(element)));
    SmallVector<Value> start(tile.size() * vectors, zeros);
    bool failed = false;
    auto loop = scf::ForOp::create(
        builder, loc, indexConstant(builder, loc, 0), indexValue(builder, loc, depth), indexConstant(builder, loc, 1),
        start, [&](OpBuilder &b, Location l, Value k, ValueRange sums) {
          SmallVector<Value> next = llvm::to_vector(sums);
          SmallVector<Value> rights;
          for (int64_t v = 0; v < vectors && !failed; ++v) {
            FailureOr<Value> value = right(b, k, v);
            failed |= mlir::failed(value);
            rights.push_back(value.value_or(Value()));
          }
          for (size_t r = 0; r < tile.size() && !failed; ++r) {
            SmallVector<LaneValue> arguments = asUniform(batch);
            arguments.push_back({LaneValue::Uniform, tile[r]});
            arguments.push_back({LaneValue::Uniform, k});
            FailureOr<SmallVector<LaneValue>> left = vectorizeBlock(b, op.getLhs().front(), arguments, nullptr);
            failed |= mlir::failed(left);
            if (failed)
              break;
            Value a = asVector(b, l, left->front());
            for (int64_t v = 0; v < vectors; ++v) {
              Value &sum = next[r * vectors + v];
              if (isa<FloatType>(element))
                sum = math::FmaOp::create(b, l, a, rights[v], sum);
              else
                sum = arith::AddIOp::create(b, l, sum, arith::MulIOp::create(b, l, a, rights[v]));
            }
          }
          scf::YieldOp::create(b, l, next);
        });
    if (failed)
      return failure();
    return llvm::to_vector(ValueRange(loop.getResults()));
  }

  LogicalResult store(OpBuilder &builder, Value sum, Value row, Value column, Value mask) {
    SmallVector<Value> indices = llvm::to_vector(batch);
    indices.push_back(row);
    LaneValue leading[] = {{LaneValue::Varying, sum}};
    return storeRegion(builder, loc, op.getApply(), leading, indices, column, mask, op.getOuts());
  }

  FailureOr<Value> evaluateRight(OpBuilder &builder, Value k, Value column, Value mask) {
    SmallVector<Value> indices = llvm::to_vector(batch);
    indices.push_back(k);
    FailureOr<SmallVector<LaneValue>> values = runLanes(builder, op.getRhs(), {}, indices, column, mask);
    if (failed(values))
      return failure();
    return asVector(builder, loc, values->front());
  }

  /// Columns of b are evaluated once, into scratch, then every row reads them there.
  LogicalResult emitPacked(OpBuilder &builder, OpFoldResult row, OpFoldResult rowEnd, OpFoldResult column,
                           OpFoldResult columnEnd) {
    int64_t width = kern::kMatMulColumns;
    if (std::optional<int64_t> known = getConstantIntValue(columns))
      width = std::min<int64_t>(width, llvm::alignTo(std::max<int64_t>(*known, 1), kLanes));
    Value stride = indexConstant(builder, loc, width), first = indexValue(builder, loc, column);
    bool failed = false;
    auto pack = [&](OpBuilder &b, Location l, Value k, ValueRange) {
      Value line = arith::MulIOp::create(b, l, k, stride);
      auto done = forLanes(
          b, l, column, columnEnd, {},
          [&](OpBuilder &inner, Location, Value position, Value mask, ValueRange) -> std::optional<SmallVector<Value>> {
            FailureOr<Value> value = evaluateRight(inner, k, position, mask);
            if (mlir::failed(value))
              return std::nullopt;
            Value at =
                inner.createOrFold<arith::AddIOp>(l, line, inner.createOrFold<arith::SubIOp>(l, position, first));
            vector::StoreOp::create(inner, l, *value, scratch, at);
            return SmallVector<Value>();
          });
      failed |= !done;
      scf::YieldOp::create(b, l);
    };
    scf::ForOp::create(builder, loc, indexConstant(builder, loc, 0), indexValue(builder, loc, depth),
                       indexConstant(builder, loc, 1), ValueRange(), pack);
    if (failed)
      return failure();

    // What is past the last column in the panel is never stored.
    return forRows(builder, row, rowEnd, [&](OpBuilder &b, ValueRange tile) -> LogicalResult {
      int64_t panelVectors = width / kLanes;
      for (int64_t at = 0; at < panelVectors; at += tileVectors) {
        int64_t vectors = std::min(tileVectors, panelVectors - at);
        auto right = [&](OpBuilder &inner, Value k, int64_t number) -> FailureOr<Value> {
          Value line = arith::MulIOp::create(inner, loc, k, stride);
          Value from = arith::AddIOp::create(inner, loc, line, indexConstant(inner, loc, (at + number) * kLanes));
          return vector::LoadOp::create(inner, loc, VectorType::get({kLanes}, element), scratch, from).getResult();
        };
        FailureOr<SmallVector<Value>> sums = product(b, tile, vectors, right);
        if (mlir::failed(sums))
          return failure();
        for (int64_t v = 0; v < vectors; ++v) {
          Value position = b.createOrFold<arith::AddIOp>(loc, first, indexConstant(b, loc, (at + v) * kLanes));
          if (mlir::failed(storeColumns(b, tile, ArrayRef(*sums).drop_front(v), vectors, position,
                                        indexValue(b, loc, columnEnd))))
            return failure();
        }
      }
      return success();
    });
  }

  /// Stores one vector of columns of every row of a tile: `sums` holds them `step` apart.
  LogicalResult storeColumns(OpBuilder &builder, ValueRange tile, ArrayRef<Value> sums, int64_t step, Value position,
                             Value end) {
    auto all = [&](OpBuilder &b, Value mask) -> LogicalResult {
      for (size_t r = 0; r < tile.size(); ++r)
        if (failed(store(b, sums[r * step], tile[r], position, mask)))
          return failure();
      return success();
    };
    Value past = builder.createOrFold<arith::AddIOp>(loc, position, indexConstant(builder, loc, kLanes));
    Value whole = builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ule, past, end);
    std::optional<int64_t> known = getConstantIntValue(whole);
    if (known)
      return all(builder, *known ? Value() : lanesBelow(builder, loc, position, end));
    LogicalResult result = success();
    scf::IfOp::create(
        builder, loc, whole,
        [&](OpBuilder &b, Location l) {
          if (failed(all(b, nullptr)))
            result = failure();
          scf::YieldOp::create(b, l);
        },
        [&](OpBuilder &b, Location l) {
          Value some = arith::CmpIOp::create(b, l, arith::CmpIPredicate::ult, position, end);
          scf::IfOp::create(b, l, some, [&](OpBuilder &inner, Location il) {
            if (failed(all(inner, lanesBelow(inner, il, position, end))))
              result = failure();
            scf::YieldOp::create(inner, il);
          });
          scf::YieldOp::create(b, l);
        });
    return result;
  }

  /// b is evaluated where it is used.
  LogicalResult emitDirect(OpBuilder &builder, OpFoldResult row, OpFoldResult rowEnd, OpFoldResult column,
                           OpFoldResult columnEnd) {
    return forRows(builder, row, rowEnd, [&](OpBuilder &b, ValueRange tile) -> LogicalResult {
      auto done = forLanes(
          b, loc, column, columnEnd, {},
          [&](OpBuilder &inner, Location, Value position, Value mask, ValueRange) -> std::optional<SmallVector<Value>> {
            auto right = [&](OpBuilder &i, Value k, int64_t) { return evaluateRight(i, k, position, mask); };
            FailureOr<SmallVector<Value>> sums = product(inner, tile, 1, right);
            if (failed(sums))
              return std::nullopt;
            for (auto [sum, index] : llvm::zip(*sums, tile))
              if (failed(store(inner, sum, index, position, mask)))
                return std::nullopt;
            return SmallVector<Value>();
          });
      return success(done.has_value());
    });
  }

  kern::MatMulOp op;
  Location loc;
  Type element;
  OpFoldResult rows, columns, depth;
  int64_t tileRows, tileVectors;
  Value scratch;
  ValueRange batch;
};

struct LowerMatMul : OpRewritePattern<kern::MatMulOp> {
  LowerMatMul(MLIRContext *context, kern::TargetAttr target) : OpRewritePattern(context), target(target) {}

  LogicalResult matchAndRewrite(kern::MatMulOp op, PatternRewriter &rewriter) const override {
    for (Value out : op.getOuts())
      if (failed(checkLaneStride(op, out, op.getStaticShape().size() - 1)))
        return failure();
    if (failed(MatMulEmitter(op, target).emit(rewriter)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }

  kern::TargetAttr target;
};
} // namespace

void sinter::lower::populateMatMulLowering(RewritePatternSet &patterns, kern::TargetAttr target) {
  patterns.add<LowerMatMul>(patterns.getContext(), target);
}
