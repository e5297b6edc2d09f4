//===- FormKernels.cpp - the form-kernels pass --------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "dialects/Kern/Panel.h"
#include "passes/Fuse/KernelBuilder.h"
#include "passes/Fuse/Materialize.h"
#include "passes/Fuse/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace sinter::fuse {
#define GEN_PASS_DEF_FORMKERNELS
#include "passes/Fuse/Passes.h.inc"

namespace {

using graph::SymExpr;

class Former {
public:
  Former(ModuleOp module, func::FuncOp func)
      : module(module), func(func), moduleBuilder(OpBuilder::atBlockEnd(module.getBody())), main(func.getContext()), shapes(symbols), placement(shapes) {}

  LogicalResult run() {
    main.setInsertionPointToStart(&func.getBody().front());
    for (BlockArgument argument : func.getArguments())
      placement.storage[argument] = storageOf(argument);
    plan = chooseMaterialized(func, shapes);
    SmallVector<Operation *> ops;
    for (Operation &op : func.getBody().front())
      ops.push_back(&op);
    for (Operation *op : ops) {
      main.setInsertionPoint(op);
      if (failed(form(op)))
        return failure();
    }
    if (failed(finishOutputs()))
      return failure();
    formStateCopies();
    // The tensors' own ops, last first.
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
      if (isa<tensor::TensorDialect, graph::GraphDialect>(op.getDialect()) && !isa<graph::DimOp, graph::BindOp>(op) && op.use_empty())
        op.erase();
    return success();
  }

private:
  ModuleOp module;
  func::FuncOp func;
  OpBuilder moduleBuilder, main;
  graph::SymbolTable symbols;
  graph::Shapes shapes;
  Placement placement;
  Materialization plan;
  llvm::StringMap<func::FuncOp> kernels;
  unsigned number = 0;

  /// State that is no cache: the session keeps the tensor itself.
  bool isPlainState(BlockArgument argument) {
    return func.getArgAttr(argument.getArgNumber(), "kv.state") && !func.getArgAttr(argument.getArgNumber(), "kv.cache");
  }
  /// Where an input is: with the caller, or with the session. A past may be read before it is appended to.
  Storage storageOf(BlockArgument argument) {
    unsigned i = argument.getArgNumber();
    auto memory = [&](Type element, StringRef number) -> Value {
      return kern::StateOp::create(main, func.getLoc(), MemRefType::get({ShapedType::kDynamic}, element), func.getArgAttrOfType<IntegerAttr>(i, number).getInt());
    };
    if (isPlainState(argument))
      return {memory(elementOf(argument), "kv.state"), {}, {}};
    auto cache = func.getArgAttrOfType<TypeAttr>(i, "kv.cache");
    if (!cache || shapes.of(argument).size() != 4)
      return {argument, {}, {}};
    return {memory(main.getI8Type(), "kv.owner"), cast<kv::CacheType>(cache.getValue()), func.getArgAttrOfType<kv::PartAttr>(i, "kv.part").getValue()};
  }

  static Type elementOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getElementType(); }

  KernelBuilder kernel(Operation *op, StringRef kind) {
    return KernelBuilder(moduleBuilder, op->getLoc(), (kind + "_" + Twine(number++)).str(), placement);
  }

  Value buffer(Location loc, Type element, const SymExpr &elements) {
    graph::Bounds bounds = symbols.bounds(elements);
    return kern::BufferOp::create(main, loc, MemRefType::get({ShapedType::kDynamic}, element), symbols.materialize(main, loc, elements),
                                  uint64_t(bounds.hi), IntegerAttr());
  }
  Value bufferFor(Value tensor) {
    Value memory = buffer(tensor.getLoc(), elementOf(tensor), shapes.elements(tensor));
    placement.storage[tensor] = {memory, {}, {}};
    return memory;
  }

  /// A root's result, or what is computed behind it: where it goes and how an element becomes the one stored.
  struct Target {
    Value tensor;
    tensor::GenerateOp behind; ///< null: the root's own result
  };

  /// What a root's region yields for its own value `x` at `index`.
  void yieldBehind(KernelBuilder &k, const Target &target, Value root, OpBuilder &b, Location l, Value x, ValueRange index) {
    if (target.behind) {
      k.substitute(root, x);
      x = pullGenerate(k, b, target.behind, index);
      k.clearSubstitutions();
    }
    kern::YieldOp::create(b, l, x);
  }
  Value pullGenerate(KernelBuilder &k, OpBuilder &b, tensor::GenerateOp generate, ValueRange index) {
    Storage own = placement.storage.lookup(generate.getResult());
    placement.storage.erase(generate.getResult());
    Value x = k.pull(b, generate.getResult(), index);
    placement.storage[generate.getResult()] = own;
    return x;
  }

  /// The index of a row, given flat, in all dimensions of `shape` but the last, with `column` behind.
  SmallVector<Value> rowIndex(KernelBuilder &k, OpBuilder &b, Location l, ArrayRef<SymExpr> shape, Value row, Value column) {
    SmallVector<Value> index(shape.size());
    index.back() = column;
    int64_t first = 0;
    while (first + 1 < int64_t(shape.size()) && symbols.resolve(shape[first]).is(1))
      index[first++] = k.scalar(0);
    for (int64_t d = int64_t(shape.size()) - 2; d >= first; --d) {
      if (d == first) {
        index[d] = row;
        break;
      }
      Value extent = k.scalar(shape[d]);
      index[d] = arith::RemUIOp::create(b, l, row, extent);
      row = arith::DivUIOp::create(b, l, row, extent);
    }
    return index;
  }

  SymExpr rows(Value tensor) {
    SymExpr n = 1;
    for (const SymExpr &d : shapes.of(tensor).drop_back())
      n = n * d;
    return n;
  }

  LogicalResult form(Operation *op) {
    if (plan.fusedRoots.contains(op))
      return success(); // formed with what is behind it
    if (auto generate = dyn_cast<tensor::GenerateOp>(op)) {
      if (Operation *root = plan.fusedBehind.lookup(op))
        return formRoot(root, {generate.getResult(), generate});
      if (plan.kept.contains(op))
        return formGenerate(generate);
      return success();
    }
    if (isa<onnx::InitializerOp, onnx::ConstantOp>(op)) {
      placement.storage[op->getResult(0)] = {op->getResult(0), {}, {}};
      return success();
    }
    return formRoot(op, {op->getNumResults() ? op->getResult(0) : Value(), {}});
  }

  LogicalResult formRoot(Operation *op, Target target) {
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<graph::LinearOp, graph::EmbeddingOp, graph::NormOp, graph::SoftmaxOp, graph::ReduceOp, graph::MatMulOp, graph::ScanOp, graph::ScatterOp,
              graph::TopKOp, graph::AppendOp, graph::AttentionOp>([&](auto root) { return formOp(root, target); })
        .Case<tensor::ReshapeOp, tensor::BitcastOp>([&](auto view) {
          // A view of memory is that memory.
          if (auto it = placement.storage.find(view.getSource()); it != placement.storage.end() && !it->second.cache)
            placement.storage[view.getResult()] = Storage(it->second);
          return success();
        })
        .Default([&](Operation *other) -> LogicalResult {
          bool tensors = llvm::any_of(other->getResultTypes(), [](Type t) { return isa<RankedTensorType>(t); });
          if (tensors && !isa<tensor::FromElementsOp>(other))
            return other->emitError("no kernel for '") << other->getName() << "'";
          return success();
        });
  }

  LogicalResult formGenerate(tensor::GenerateOp generate) {
    Value result = generate.getResult();
    KernelBuilder k = kernel(generate, "generate");
    ArrayRef<SymExpr> shape = shapes.of(result);
    Value memory = bufferFor(result), out = k.view(memory, shape, true);
    SmallVector<OpFoldResult> extents = k.sizes(shape);
    kern::GenerateOp::create(k.b, k.loc, k.begin(), k.end(), extents, out, [&](OpBuilder &b, Location l, ValueRange index) {
      kern::YieldOp::create(b, l, pullGenerate(k, b, generate, index));
    });
    k.finish(main, kernels, nameOf(generate.getLoc()));
    return success();
  }

  /// The f32 rows that a linear reads: its input must have memory.
  FailureOr<Value> inputBuffer(Operation *op, Value tensor) {
    while (auto view = tensor.getDefiningOp<tensor::ReshapeOp>()) {
      if (placement.storage.contains(tensor))
        break;
      tensor = view.getSource();
    }
    auto it = placement.storage.find(tensor);
    if (it != placement.storage.end() && !it->second.cache)
      return it->second.buffer;
    // Computed elsewhere, or in a cache's layout: copy it.
    Value memory = buffer(op->getLoc(), elementOf(tensor), shapes.elements(tensor));
    copyTo(op->getLoc(), memory, tensor);
    if (!placement.storage.contains(tensor))
      placement.storage[tensor] = {memory, {}, {}};
    return memory;
  }

  /// The packed activations for a linear, made once for all linears that read the same rows and quantize them alike.
  struct QuantizedRows {
    Value input;
    SmallVector<Value> params;
    qt::ActivationAttr activation;
    int64_t columns, group; ///< the groups of the weight are part of the order
    Value memory;
  };
  std::vector<QuantizedRows> quantized;

  FailureOr<Value> quantizedInput(graph::LinearOp op, Value input, const SymExpr &m) {
    qt::QuantTensorType weight = op.getWeight().getType();
    qt::ActivationAttr activation = *op.getActivation();
    SmallVector<Value> params;
    for (Value param : op.getParams()) {
      auto memory = inputBuffer(op, param);
      if (failed(memory))
        return failure();
      params.push_back(*memory);
    }
    int64_t columns = weight.getColumns(), group = weight.getFields().group;
    for (const QuantizedRows &known : quantized)
      if (known.input == input && known.params == params && known.activation == activation && known.columns == columns && known.group == group)
        return known.memory;
    kern::ActivationLayout layout(weight, activation);
    // Bytes are linear in the rows; what alignment adds is bounded.
    graph::Bounds bounds = symbols.bounds(m);
    Value bytes = layout.buildBytes(main, op.getLoc(), symbols.materialize(main, op.getLoc(), m));
    Value memory = kern::BufferOp::create(main, op.getLoc(), MemRefType::get({ShapedType::kDynamic}, main.getI8Type()), bytes,
                                          uint64_t(layout.bytes(bounds.hi)), IntegerAttr());
    quantized.push_back({input, params, activation, columns, group, memory});
    SmallVector<SymExpr> inputShape{m, SymExpr(columns)}, paramShape{SymExpr(1)};
    if (activation.getGranularity() == qt::Granularity::tensor && activation.getScale() == qt::ScaleSource::Dynamic) {
      SymExpr blocks = symbols.ceilDiv(m, kern::kRangeRows);
      Value range = buffer(op.getLoc(), main.getF32Type(), blocks * 2);
      KernelBuilder k = kernel(op, "row_range");
      paramShape = {blocks, SymExpr(2)};
      kern::RowRangeOp::create(k.b, k.loc, k.begin(), k.end(), k.scalar(m), k.view(input, inputShape), k.view(range, paramShape, true));
      k.finish(main, kernels, nameOf(op.getLoc()));
      params.push_back(range);
    }
    KernelBuilder k = kernel(op, "quantize_rows");
    SmallVector<Value> paramViews;
    for (Value param : params)
      paramViews.push_back(k.view(param, paramShape));
    Value rowsScalar = k.scalar(m), in = k.view(input, inputShape), out = k.operand(memory, true);
    kern::QuantizeRowsOp::create(k.b, k.loc, k.begin(), k.end(), rowsScalar, in, paramViews, out, TypeAttr::get(weight), activation,
                                 kern::LinearStrategyAttr());
    k.finish(main, kernels, nameOf(op.getLoc()));
    return memory;
  }

  LogicalResult formOp(graph::LinearOp op, Target target) {
    auto input = inputBuffer(op, op.getInput());
    if (failed(input))
      return failure();
    SymExpr m = rows(op.getInput());
    qt::QuantTensorType weight = op.getWeight().getType();
    qt::ActivationAttr activation = op.getActivation().value_or(qt::ActivationAttr());
    Value source = *input;
    if (activation) {
      auto packed = quantizedInput(op, *input, m);
      if (failed(packed))
        return failure();
      source = *packed;
    }
    kern::PanelAttr panel = kern::choosePanel(weight, activation);
    KernelBuilder k = kernel(op, "linear");
    SmallVector<SymExpr> inShape{m, SymExpr(weight.getColumns())}, outShape{m, SymExpr(weight.getRows())};
    Value a = activation ? k.operand(source) : k.view(source, inShape), w = k.operand(op.getWeight());
    Value memory = bufferFor(target.tensor), out = k.view(memory, outShape, true), rowCount = k.scalar(m);
    SmallVector<SymExpr> shape(shapes.of(op.getResult()));
    kern::LinearOp::create(k.b, k.loc, k.begin(), k.end(), rowCount, a, w, ValueRange(out), k.scratch(), weight, panel, activation,
                           kern::LinearStrategyAttr(), [&](OpBuilder &b, Location l, ValueRange args) {
                             SmallVector<Value> index;
                             if (target.behind)
                               index = rowIndex(k, b, l, shape, args[1], args[2]);
                             yieldBehind(k, target, op.getResult(), b, l, args[0], index);
                           });
    k.finish(main, kernels, nameOf(op.getLoc()));
    return success();
  }

  LogicalResult formOp(graph::EmbeddingOp op, Target target) {
    auto ids = inputBuffer(op, op.getIds());
    if (failed(ids))
      return failure();
    qt::QuantTensorType weight = op.getWeight().getType();
    KernelBuilder k = kernel(op, "gather_rows");
    SymExpr m = shapes.elements(op.getIds());
    SmallVector<SymExpr> idShape{m}, outShape{m, SymExpr(weight.getColumns())};
    Value memory = bufferFor(target.tensor);
    Value idView = k.view(*ids, idShape), out = k.view(memory, outShape, true), w = k.operand(op.getWeight()), rowCount = k.scalar(m);
    kern::GatherRowsOp::create(k.b, k.loc, k.begin(), k.end(), rowCount, idView, w, out, TypeAttr::get(weight), kern::choosePanel(weight, {}));
    k.finish(main, kernels, nameOf(op.getLoc()));
    return success();
  }

  std::optional<int64_t> rowBound(Value tensor) {
    SymExpr width = symbols.resolve(shapes.of(tensor).back());
    if (width.constant())
      return std::nullopt;
    return symbols.bounds(width).hi;
  }

  LogicalResult formOp(graph::NormOp op, Target target) {
    if (op.getKind() == "l2")
      return op.emitError("an l2 norm has no kernel");
    KernelBuilder k = kernel(op, "norm");
    SmallVector<SymExpr> shape(shapes.of(op.getResult()));
    Value memory = bufferFor(target.tensor), out = k.view(memory, shape, true);
    SmallVector<OpFoldResult> extents = k.sizes(shape);
    kern::NormOp::create(
        k.b, k.loc, op.getKind() == "rms" ? kern::NormKind::RMS : kern::NormKind::Layer, k.begin(), k.end(), extents, op.getEpsilon().convertToFloat(),
        ValueRange(out), k.scratch(), rowBound(op.getResult()),
        [&](OpBuilder &b, Location l, ValueRange index) { kern::YieldOp::create(b, l, k.pull(b, op.getInput(), index)); },
        [&](OpBuilder &b, Location l, ValueRange args) { yieldBehind(k, target, op.getResult(), b, l, args[0], args.drop_front(2)); });
    k.finish(main, kernels, nameOf(op.getLoc()));
    return success();
  }

  LogicalResult formOp(graph::SoftmaxOp op, Target target) {
    KernelBuilder k = kernel(op, "softmax");
    SmallVector<SymExpr> shape(shapes.of(op.getResult()));
    Value memory = bufferFor(target.tensor), out = k.view(memory, shape, true);
    SmallVector<OpFoldResult> extents = k.sizes(shape);
    kern::SoftmaxOp::create(
        k.b, k.loc, op.getLog(), k.begin(), k.end(), extents, ValueRange(out), k.scratch(), rowBound(op.getResult()),
        [&](OpBuilder &b, Location l, ValueRange index) { kern::YieldOp::create(b, l, k.pull(b, op.getInput(), index)); },
        [&](OpBuilder &b, Location l, ValueRange args) { yieldBehind(k, target, op.getResult(), b, l, args[0], args.drop_front(1)); });
    k.finish(main, kernels, nameOf(op.getLoc()));
    return success();
  }

  LogicalResult formOp(graph::ReduceOp op, Target target) {
    Type element = elementOf(op.getInput());
    auto kind = llvm::StringSwitch<std::optional<kern::ReduceKind>>(op.getKind())
                    .Case("add", kern::ReduceKind::Add)
                    .Case("mul", kern::ReduceKind::Mul)
                    .Case("max", kern::ReduceKind::Max)
                    .Case("min", kern::ReduceKind::Min)
                    .Case("argmax", op.getLast() ? kern::ReduceKind::ArgMaxLast : kern::ReduceKind::ArgMax)
                    .Case("argmin", op.getLast() ? kern::ReduceKind::ArgMinLast : kern::ReduceKind::ArgMin)
                    .Default(std::nullopt);
    if (!kind)
      return op.emitError("unknown reduction '") << op.getKind() << "'";
    bool argument = op.getKind().starts_with("arg");
    KernelBuilder k = kernel(op, "reduce");
    SmallVector<SymExpr> input(shapes.of(op.getInput())), shape, over;
    for (auto [d, size] : llvm::enumerate(input))
      (llvm::is_contained(op.getAxes(), int64_t(d)) ? over : shape).push_back(size);
    Value memory = bufferFor(target.tensor), out = k.view(memory, shape, true);
    SmallVector<OpFoldResult> extents = k.sizes(shape), reduced = k.sizes(over);
    // f16 sums are kept in f32.
    Type wide = isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32 ? Type(main.getF32Type()) : element;
    kern::ReduceOp::create(
        k.b, k.loc, k.begin(), k.end(), extents, reduced, *kind, ValueRange(out),
        [&](OpBuilder &b, Location l, ValueRange args) {
          SmallVector<Value> index(input.size());
          unsigned outer = 0, inner = shape.size();
          for (size_t d = 0; d < input.size(); ++d)
            index[d] = args[llvm::is_contained(op.getAxes(), int64_t(d)) ? inner++ : outer++];
          Value x = k.pull(b, op.getInput(), index);
          if (wide != element)
            x = arith::ExtFOp::create(b, l, wide, x);
          kern::YieldOp::create(b, l, x);
        },
        [&](OpBuilder &b, Location l, ValueRange args) {
          Value x = args[0];
          if (wide != element && !argument)
            x = arith::TruncFOp::create(b, l, element, x);
          yieldBehind(k, target, op.getResult(), b, l, x, args.drop_front(1));
        });
    k.finish(main, kernels, nameOf(op.getLoc()));
    return success();
  }

  LogicalResult formOp(graph::MatMulOp op, Target target) {
    KernelBuilder k = kernel(op, "matmul");
    SmallVector<SymExpr> shape(shapes.of(op.getResult()));
    SymExpr depth = shapes.of(op.getA()).back();
    Value memory = bufferFor(target.tensor), out = k.view(memory, shape, true);
    SmallVector<OpFoldResult> extents = k.sizes(shape);
    std::optional<int64_t> bound;
    if (!symbols.resolve(depth).constant())
      bound = symbols.bounds(depth).hi;
    kern::MatMulOp::create(
        k.b, k.loc, k.begin(), k.end(), extents, k.size(depth), elementOf(op.getResult()), ValueRange(out), k.scratch(), bound,
        [&](OpBuilder &b, Location l, ValueRange index) { kern::YieldOp::create(b, l, k.pull(b, op.getA(), index)); },
        [&](OpBuilder &b, Location l, ValueRange index) { kern::YieldOp::create(b, l, k.pull(b, op.getB(), index)); },
        [&](OpBuilder &b, Location l, ValueRange args) { yieldBehind(k, target, op.getResult(), b, l, args[0], args.drop_front(1)); });
    k.finish(main, kernels, nameOf(op.getLoc()));
    return success();
  }

  LogicalResult formOp(graph::ScanOp op, Target target) {
    KernelBuilder k = kernel(op, "scan");
    SmallVector<SymExpr> shape(shapes.of(op.getResult()));
    Value memory = bufferFor(target.tensor), out = k.view(memory, shape, true);
    SmallVector<OpFoldResult> extents = k.sizes(shape);
    kern::ScanOp::create(k.b, k.loc, kern::ReduceKind::Add, k.begin(), k.end(), extents, op.getAxis(), op.getExclusive(), op.getReverse(), out,
                         [&](OpBuilder &b, Location l, ValueRange index) { kern::YieldOp::create(b, l, k.pull(b, op.getInput(), index)); });
    k.finish(main, kernels, nameOf(op.getLoc()));
    return success();
  }

  /// The base, copied, then the updates into the copy.
  LogicalResult formOp(graph::ScatterOp op, Target target) {
    Type element = elementOf(op.getResult());
    auto kind = llvm::StringSwitch<std::optional<kern::ReduceKind>>(op.getCombine().value_or(""))
                    .Case("add", kern::ReduceKind::Add)
                    .Case("mul", kern::ReduceKind::Mul)
                    .Case("max", kern::ReduceKind::Max)
                    .Case("min", kern::ReduceKind::Min)
                    .Default(std::nullopt);
    if (op.getCombine() && !kind)
      return op.emitError("unknown combination '") << *op.getCombine() << "'";
    SmallVector<SymExpr> base(shapes.of(op.getBase())), indices(shapes.of(op.getIndices())), updates(shapes.of(op.getUpdates()));
    int64_t named = *symbols.resolve(indices.back()).constant(), lead = indices.size() - 1;
    Value memory = buffer(op.getLoc(), element, shapes.elements(op.getBase()));
    {
      KernelBuilder k = kernel(op, "generate");
      Value out = k.view(memory, base, true);
      SmallVector<OpFoldResult> extents = k.sizes(base);
      kern::GenerateOp::create(k.b, k.loc, k.begin(), k.end(), extents, out,
                               [&](OpBuilder &b, Location l, ValueRange index) { kern::YieldOp::create(b, l, k.pull(b, op.getBase(), index)); });
      k.finish(main, kernels, nameOf(op.getLoc()));
    }
    placement.storage[target.tensor] = {memory, {}, {}};
    KernelBuilder k = kernel(op, "scatter");
    Value out = k.view(memory, base, true);
    SmallVector<OpFoldResult> extents = k.sizes(updates);
    kern::ScatterOp::create(k.b, k.loc, kind, k.begin(), k.end(), extents, out, [&](OpBuilder &b, Location l, ValueRange index) {
      SmallVector<Value> yields, at(index.take_front(lead));
      at.push_back({});
      for (int64_t d = 0; d < named; ++d) {
        at.back() = arith::ConstantIndexOp::create(b, l, d);
        // What comes from outside must not write out of bounds.
        Value i = arith::IndexCastOp::create(b, l, b.getIndexType(), k.pull(b, op.getIndices(), at)), size = k.scalar(base[d]);
        Value zero = arith::ConstantIndexOp::create(b, l, 0), last = arith::SubIOp::create(b, l, size, arith::ConstantIndexOp::create(b, l, 1));
        Value negative = arith::CmpIOp::create(b, l, arith::CmpIPredicate::slt, i, zero);
        i = arith::SelectOp::create(b, l, negative, arith::AddIOp::create(b, l, i, size), i);
        yields.push_back(arith::MaxSIOp::create(b, l, arith::MinSIOp::create(b, l, i, last), zero));
      }
      llvm::append_range(yields, index.drop_front(lead));
      yields.push_back(k.pull(b, op.getUpdates(), index));
      kern::YieldOp::create(b, l, yields);
    });
    k.finish(main, kernels, nameOf(op.getLoc()));
    return success();
  }

  LogicalResult formOp(graph::TopKOp op, Target) {
    KernelBuilder k = kernel(op, "topk");
    SmallVector<SymExpr> input(shapes.of(op.getInput())), shape(shapes.of(op.getValues()));
    Value values = bufferFor(op.getValues()), indices = bufferFor(op.getIndices());
    Value valueView = k.view(values, shape, true), indexView = k.view(indices, shape, true);
    SmallVector<OpFoldResult> extents = k.sizes(input);
    kern::TopKOp::create(k.b, k.loc, op.getLargest(), k.begin(), k.end(), extents, k.size(shape.back()), valueView, indexView,
                         [&](OpBuilder &b, Location l, ValueRange index) { kern::YieldOp::create(b, l, k.pull(b, op.getInput(), index)); });
    k.finish(main, kernels, nameOf(op.getLoc()));
    return success();
  }

  /// Writes [B, H, S, D], of a stacked tensor [2, B, H, S, D] the `half`, to a cache at position `past`.
  void append(Operation *op, Value memory, kv::CacheType cache, kv::Part part, Value tensor, const SymExpr &past, std::optional<int64_t> half = {}) {
    KernelBuilder k = kernel(op, "append");
    ArrayRef<SymExpr> shape = shapes.of(tensor).drop_front(half ? 1 : 0);
    Value bytes = k.operand(memory, true), pastValue = k.scalar(past), tokens = k.scalar(shape[2]), sequences = k.scalar(shape[0]);
    Type f32 = main.getF32Type();
    kern::AppendOp::create(k.b, k.loc, k.begin(), k.end(), bytes, pastValue, tokens, sequences, cache, part, [&](OpBuilder &b, Location l, ValueRange index) {
      SmallVector<Value> at(index);
      if (half)
        at.insert(at.begin(), arith::ConstantIndexOp::create(b, l, *half));
      Value x = k.pull(b, tensor, at);
      if (x.getType() != f32)
        x = arith::ExtFOp::create(b, l, f32, x);
      kern::YieldOp::create(b, l, x);
    });
    k.finish(main, kernels, nameOf(op->getLoc()));
  }

  LogicalResult formOp(graph::AppendOp op, Target) {
    auto type = op->getAttrOfType<TypeAttr>("cache");
    auto part = op->getAttrOfType<kv::PartAttr>("part");
    auto state = op->getAttrOfType<IntegerAttr>("state");
    if (!type || !part || !state)
      return op.emitError("a cache that no attention reads as keys and values is not supported");
    auto cache = cast<kv::CacheType>(type.getValue());
    Value memory = kern::StateOp::create(main, op.getLoc(), MemRefType::get({ShapedType::kDynamic}, main.getI8Type()), state.getInt());
    append(op, memory, cache, part.getValue(), op.getUpdate(), shapes.of(op.getPast())[op.getPastAxis()]);
    placement.storage[op.getResult()] = {memory, cache, part.getValue()};
    return success();
  }

  LogicalResult formOp(graph::AttentionOp op, Target target) {
    SmallVector<SymExpr> q(shapes.of(op.getQuery())), key(shapes.of(op.getKey())), value(shapes.of(op.getValue()));
    SymExpr tokens = q[2], total = key[2];
    auto cache = cast<kv::CacheType>(op->getAttrOfType<TypeAttr>("cache").getValue());
    Value memory;
    if (auto it = placement.storage.find(op.getKey()); it != placement.storage.end() && it->second.cache) {
      memory = it->second.buffer;
    } else {
      SymExpr bytes = q[0] * SymExpr(cache.getSequenceBytes());
      memory = buffer(op.getLoc(), main.getI8Type(), bytes);
      append(op, memory, cache, kv::Part::Key, op.getKey(), 0);
      append(op, memory, cache, kv::Part::Value, op.getValue(), 0);
    }
    int64_t heads = *symbols.resolve(q[1]).constant();
    int64_t partialBytes = kern::attentionPartialBytes(cache, heads, symbols.bounds(q[0]).hi, symbols.bounds(total).hi);
    Value partials = buffer(op.getLoc(), main.getF32Type(), SymExpr((partialBytes + 3) / 4));
    Value out = bufferFor(target.tensor);
    SmallVector<SymExpr> outShape(shapes.of(target.tensor));
    SymExpr past = symbols.resolve(total - tokens);
    {
      KernelBuilder k = kernel(op, "attention");
      Value bytes = k.operand(memory), result = k.view(out, outShape, true), partial = k.operand(partials, true);
      Value sinks = op.getSinks() ? k.view(placement.storage.lookup(op.getSinks()).buffer, shapes.of(op.getSinks())) : Value();
      Value pastValue = k.scalar(op.getCausal() || op.getWindow() ? past : SymExpr(0)), s = k.scalar(tokens), t = k.scalar(total), sequences = k.scalar(q[0]);
      auto readMask = [&](OpBuilder &b, Location l, ValueRange index) {
        ArrayRef<SymExpr> maskShape = shapes.of(op.getMask());
        SmallVector<Value> at;
        for (auto [d, i] : llvm::enumerate(index))
          at.push_back(symbols.resolve(maskShape[d]).is(1) ? k.scalar(1 - 1) : i);
        kern::YieldOp::create(b, l, k.pull(b, op.getMask(), at));
      };
      auto attention = kern::AttentionOp::create(
          k.b, k.loc, k.begin(), k.end(), bytes, result, pastValue, s, t, sequences, sinks, partial, k.scratch(), cache, op.getScale().convertToFloat(),
          [&](OpBuilder &b, Location l, ValueRange index) { kern::YieldOp::create(b, l, k.pull(b, op.getQuery(), index)); },
          op.getMask() ? kern::RegionBuilder(readMask) : kern::RegionBuilder(nullptr));
      if (!op.getSoftcap().isZero())
        attention.setSoftcapAttr(op.getSoftcapAttr());
      attention.setCausal(op.getCausal());
      if (op.getWindow())
        attention.setWindowAttr(op.getWindowAttr());
      attention.setOutsideAttr(op.getOutsideAttr());
      attention.setZeroMaskedRows(op.getZeroMaskedRows());
      k.finish(main, kernels, nameOf(op.getLoc()));
    }
    KernelBuilder k = kernel(op, "attention_merge");
    Value result = k.view(out, outShape, true), partial = k.operand(partials);
    Value sinks = op.getSinks() ? k.view(placement.storage.lookup(op.getSinks()).buffer, shapes.of(op.getSinks())) : Value();
    Value s = k.scalar(tokens), t = k.scalar(total), sequences = k.scalar(q[0]);
    kern::AttentionMergeOp::create(k.b, k.loc, k.begin(), k.end(), result, s, t, sequences, sinks, partial, cache, op.getZeroMaskedRows());
    k.finish(main, kernels, nameOf(op.getLoc()));
    return success();
  }

  /// The functions that copy a cache's halves from and to plain tensors.
  void formStateCopies() {
    for (BlockArgument argument : func.getArguments()) {
      unsigned i = argument.getArgNumber();
      auto number = func.getArgAttrOfType<IntegerAttr>(i, "kv.state");
      if (!number || isPlainState(argument))
        continue;
      auto cache = cast<kv::CacheType>(func.getArgAttrOfType<TypeAttr>(i, "kv.cache").getValue());
      auto part = func.getArgAttrOfType<kv::PartAttr>(i, "kv.part").getValue();
      uint64_t owner = func.getArgAttrOfType<IntegerAttr>(i, "kv.owner").getInt();
      SmallVector<SymExpr> shape(shapes.of(argument));
      auto begin = [&](StringRef kind, TypeRange inputs) {
        auto copy = func::FuncOp::create(moduleBuilder, func.getLoc(), (kind + "_" + Twine(number.getInt())).str(), FunctionType::get(func.getContext(), inputs, {}));
        main.setInsertionPointToStart(copy.addEntryBlock());
        func::ReturnOp::create(main, func.getLoc());
        main.setInsertionPointToStart(&copy.getBody().front());
        return copy;
      };
      auto state = [&] { return kern::StateOp::create(main, func.getLoc(), MemRefType::get({ShapedType::kDynamic}, main.getI8Type()), owner); };
      func::FuncOp load = begin("load", {argument.getType()});
      Value source = load.getArgument(0);
      SmallVector<Value> sizes;
      for (const SymExpr &e : shape)
        sizes.push_back(symbols.materialize(main, func.getLoc(), e));
      graph::BindOp::create(main, func.getLoc(), source, sizes);
      placement.storage[source] = {source, {}, {}};
      if (shape.size() == 5)
        for (int64_t half = 0; half < 2; ++half)
          append(func, state(), cache, half ? kv::Part::Value : kv::Part::Key, source, 0, half);
      else
        append(func, state(), cache, part, source, 0);
      begin("store", {});
      Value memory = state();
      Value out = buffer(func.getLoc(), elementOf(argument), shapes.elements(argument));
      out.getDefiningOp<kern::BufferOp>().setOutput(0);
      placement.storage[argument] = {memory, cache, part};
      KernelBuilder k = kernel(func, "generate");
      Value view = k.view(out, shape, true);
      SmallVector<OpFoldResult> extents = k.sizes(shape);
      kern::GenerateOp::create(k.b, k.loc, k.begin(), k.end(), extents, view,
                               [&](OpBuilder &b, Location l, ValueRange index) { kern::YieldOp::create(b, l, k.pull(b, argument, index)); });
      k.finish(main, kernels, "");
    }
  }

  /// The append whose result is the present that result `i` is: the next past of a cache. Null where it is none.
  Value presentCache(unsigned i) {
    for (BlockArgument argument : func.getArguments())
      if (auto result = func.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), "graph.state"); result && result.getInt() == int64_t(i))
        for (Operation *user : argument.getUsers())
          if (isa<graph::AppendOp>(user))
            return user->getResult(0);
    return {};
  }

  /// The state that result `i` is the next value of, where that is a plain tensor.
  BlockArgument nextState(unsigned i) {
    for (BlockArgument argument : func.getArguments())
      if (auto result = func.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), "graph.state"); result && result.getInt() == int64_t(i))
        return isPlainState(argument) ? argument : BlockArgument();
    return {};
  }

  /// A kernel that writes a tensor's elements to `memory`, which has its shape.
  void copyTo(Location loc, Value memory, Value tensor) {
    KernelBuilder k(moduleBuilder, loc, ("generate_" + Twine(number++)).str(), placement);
    SmallVector<SymExpr> shape(shapes.of(tensor));
    Value out = k.view(memory, shape, true);
    SmallVector<OpFoldResult> extents = k.sizes(shape);
    kern::GenerateOp::create(k.b, k.loc, k.begin(), k.end(), extents, out, [&](OpBuilder &b, Location l, ValueRange index) {
      kern::YieldOp::create(b, l, k.pull(b, tensor, index));
    });
    k.finish(main, kernels, nameOf(loc));
  }

  /// A kernel that copies a buffer to another of the same size.
  void copyMemory(Value to, Value from) {
    KernelBuilder k = kernel(func.getBody().front().getTerminator(), "generate");
    SmallVector<SymExpr> shape{symbols.fromValue(from.getDefiningOp<kern::BufferOp>().getElements())};
    Value out = k.view(to, shape, true), in = k.view(from, shape);
    SmallVector<OpFoldResult> extents = k.sizes(shape);
    kern::GenerateOp::create(k.b, k.loc, k.begin(), k.end(), extents, out, [&](OpBuilder &b, Location l, ValueRange index) {
      kern::YieldOp::create(b, l, memref::LoadOp::create(b, l, in, index).getResult());
    });
    k.finish(main, kernels, "");
  }

  /// Every result of @main gets memory of its own, or is the session's.
  LogicalResult finishOutputs() {
    Operation *terminator = func.getBody().front().getTerminator();
    main.setInsertionPoint(terminator);
    llvm::DenseSet<Value> taken;
    SmallVector<std::pair<Value, Value>> next; // memory of a state and its new value
    for (auto [i, tensor] : llvm::enumerate(terminator->getOperands())) {
      auto it = placement.storage.find(tensor);
      Value memory;
      if (Value present = presentCache(i)) {
        // The session keeps it; who wants it as a tensor asks for the state.
        memory = placement.storage.lookup(present).buffer;
      } else {
        memory = it == placement.storage.end() || it->second.cache ? Value() : it->second.buffer;
        auto owner = memory ? memory.getDefiningOp<kern::BufferOp>() : kern::BufferOp();
        BlockArgument state = nextState(i);
        if (!owner || (!state && !taken.insert(memory).second)) {
          memory = buffer(tensor.getLoc(), elementOf(tensor), shapes.elements(tensor));
          copyTo(tensor.getLoc(), memory, tensor);
          owner = memory.getDefiningOp<kern::BufferOp>();
        }
        if (state)
          next.push_back({placement.storage.lookup(state).buffer, memory});
        else
          owner.setOutput(i);
      }
      SmallVector<Value> sizes;
      for (const SymExpr &e : shapes.of(tensor))
        sizes.push_back(symbols.materialize(main, func.getLoc(), e));
      auto info = func.getResultAttrDict(i);
      kern::OutputOp::create(main, func.getLoc(), memory, sizes, uint64_t(i), info ? info : main.getDictionaryAttr({}));
    }
    // States change when everything has been computed that reads them.
    for (auto [state, value] : next)
      copyMemory(state, value);
    for (auto bind : llvm::make_early_inc_range(func.getBody().getOps<graph::BindOp>()))
      if (!isa<BlockArgument>(bind.getTensor()))
        bind.erase();
    terminator->setOperands({});
    func.removeResAttrsAttr();
    func.setFunctionType(FunctionType::get(func.getContext(), func.getArgumentTypes(), {}));
    return success();
  }
};

struct FormKernelsPass : impl::FormKernelsBase<FormKernelsPass> {
  using Base::Base;
  void runOnOperation() override {
    auto func = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!func || failed(Former(getOperation(), func).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace sinter::fuse
