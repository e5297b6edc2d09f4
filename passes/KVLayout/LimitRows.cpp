//===- LimitRows.cpp - the limit-rows pass ------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "dialects/Graph/Shapes.h"
#include "passes/KVLayout/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace sinter::kvlayout {
#define GEN_PASS_DEF_LIMITROWS
#include "passes/KVLayout/Passes.h.inc"

namespace {

struct LimitRowsPass : impl::LimitRowsBase<LimitRowsPass> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto func = module.lookupSymbol<func::FuncOp>("main");
    if (!func)
      return;
    // Only a graph with a cache is asked for its last row.
    graph::SymbolOp past;
    for (auto symbol : module.getOps<graph::SymbolOp>())
      if (symbol.getKind() == graph::SymbolKind::Past)
        past = symbol;
    if (!past)
      return;
    graph::SymbolTable symbols;
    graph::Shapes shapes(symbols);
    Operation *terminator = func.getBody().front().getTerminator();
    SmallVector<graph::BindOp> binds(func.getOps<graph::BindOp>());
    for (OpOperand &operand : terminator->getOpOperands()) {
      // The head: a linear, perhaps with arithmetic on its own elements behind it.
      Value output = operand.get();
      auto behind = output.getDefiningOp<tensor::GenerateOp>();
      graph::LinearOp head = output.getDefiningOp<graph::LinearOp>();
      if (behind)
        behind.getBody().walk([&](tensor::ExtractOp extract) {
          if (auto linear = extract.getTensor().getDefiningOp<graph::LinearOp>())
            head = linear;
        });
      auto onlyBind = [](Value v, Operation *reader) {
        return llvm::all_of(v.getUsers(), [&](Operation *user) {
          return user == reader || isa<graph::BindOp, func::ReturnOp>(user) || (reader && reader->isAncestor(user));
        });
      };
      if (!head || !onlyBind(output, nullptr) || !onlyBind(head.getResult(), behind))
        continue;
      // A scale of the whole input is one of all rows.
      if (auto activation = head.getActivation();
          activation && activation->getGranularity() == qt::Granularity::tensor && activation->getScale() == qt::ScaleSource::Dynamic)
        continue;
      ArrayRef<graph::SymExpr> shape = shapes.of(head.getInput());
      if (shape.size() != 3 || !symbols.resolve(shape[0]).is(1))
        continue;
      auto sequence = symbols.resolve(shape[1]).atom();
      if (!sequence || symbols.atom(*sequence).name == past.getSymName() || (behind && !inPlace(behind, head, shapes)))
        continue;
      limit(func, operand, head, behind, symbols, shape[1]);
      return;
    }
  }

  /// Whether the generate reads the linear at its own index, and nothing else by the row.
  static bool inPlace(tensor::GenerateOp generate, graph::LinearOp head, graph::Shapes &shapes) {
    Block &body = generate.getBody().front();
    if (body.getNumArguments() != 3)
      return false;
    for (Operation *user : body.getArgument(1).getUsers()) {
      auto extract = dyn_cast<tensor::ExtractOp>(user);
      if (!extract || extract.getTensor() != head.getResult() || extract.getIndices()[1] != Value(body.getArgument(1)))
        return false;
    }
    return true;
  }

  void limit(func::FuncOp func, OpOperand &output, graph::LinearOp head, tensor::GenerateOp behind, graph::SymbolTable &symbols,
             const graph::SymExpr &sequence) {
    OpBuilder builder(getOperation().getBodyRegion());
    int64_t most = symbols.bounds(sequence).hi;
    std::string name = "first";
    while (getOperation().lookupSymbol(name) || name == "main")
      name += "_row";
    graph::SymbolOp::create(builder, func.getLoc(), name, graph::SymbolKind::First, 0, most);
    builder.setInsertionPoint(head);
    Location loc = head.getLoc();
    Value first = graph::DimOp::create(builder, loc, builder.getIndexType(), FlatSymbolRefAttr::get(builder.getContext(), name));
    Value rows = arith::SubIOp::create(builder, loc, symbols.materialize(builder, loc, sequence), first);
    auto withRows = [&](RankedTensorType type) {
      SmallVector<int64_t> sizes(type.getShape());
      sizes[1] = ShapedType::kDynamic;
      return RankedTensorType::get(sizes, type.getElementType());
    };
    Value input = head.getInput();
    Value wanted = tensor::GenerateOp::create(builder, loc, withRows(cast<RankedTensorType>(input.getType())), rows,
                                              [&](OpBuilder &b, Location l, ValueRange index) {
                                                Value row = arith::AddIOp::create(b, l, index[1], first);
                                                Value x = tensor::ExtractOp::create(b, l, input, ValueRange{index[0], row, index[2]});
                                                tensor::YieldOp::create(b, l, x);
                                              });
    head.getInputMutable().assign(wanted);
    head.getResult().setType(withRows(cast<RankedTensorType>(head.getType())));
    if (behind) {
      // Its one dynamic size is the number of rows.
      behind.getResult().setType(withRows(cast<RankedTensorType>(behind.getType())));
      behind.getDynamicExtentsMutable().assign(rows);
    }
    for (Operation *user : llvm::make_early_inc_range(output.get().getUsers()))
      if (auto bind = dyn_cast<graph::BindOp>(user)) {
        SmallVector<Value> sizes(bind.getSizes());
        sizes[1] = rows;
        bind.getSizesMutable().assign(sizes);
      }
    SmallVector<Type> results(func.getFunctionType().getResults());
    results[output.getOperandNumber()] = output.get().getType();
    func.setFunctionType(FunctionType::get(func.getContext(), func.getArgumentTypes(), results));
  }
};

} // namespace
} // namespace sinter::kvlayout
