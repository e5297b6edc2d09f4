//===- GraphToLinalg.cpp - the convert-graph-to-linalg pass ---------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Lower/Reference/Passes.h"
#include "passes/Lower/Reference/Patterns.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace sinter::reference {
#define GEN_PASS_DEF_CONVERTGRAPHTOLINALG
#include "passes/Lower/Reference/Passes.h.inc"

void replace(ConversionPatternRewriter &rewriter, Operation *op, ValueRange values) {
  SmallVector<Value> results;
  for (auto [value, type] : llvm::zip_equal(values, op->getResultTypes()))
    results.push_back(
        value.getType() == type ? value : tensor::CastOp::create(rewriter, op->getLoc(), type, value).getResult());
  rewriter.replaceOp(op, results);
}

namespace {
struct ConvertGraphToLinalg : impl::ConvertGraphToLinalgBase<ConvertGraphToLinalg> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto func : module.getOps<func::FuncOp>())
      if (failed(defineSizes(func)))
        return signalPassFailure();
    for (auto symbol : llvm::make_early_inc_range(module.getOps<graph::SymbolOp>()))
      symbol.erase();

    TypeConverter types;
    types.addConversion([](Type type) { return type; });
    types.addConversion([](RankedTensorType type) -> Type {
      auto integer = dyn_cast<IntegerType>(type.getElementType());
      return integer ? type.clone(IntegerType::get(type.getContext(), integer.getWidth())) : type;
    });
    types.addConversion([](qt::QuantTensorType type) -> Type {
      return RankedTensorType::get({type.getRows(), type.getColumns()}, Float32Type::get(type.getContext()));
    });
    ConversionTarget target(getContext());
    target.addIllegalDialect<graph::GraphDialect, qt::QTDialect, onnx::OnnxDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    target.addDynamicallyLegalOp<tensor::BitcastOp>([&](tensor::BitcastOp op) { return types.isLegal(op.getOperation()); });
    RewritePatternSet patterns(&getContext());
    populateAttentionDefinitions(patterns, types);
    populateLinearDefinitions(patterns, types);
    populatePlaceDefinitions(patterns, types);
    populateReduceDefinitions(patterns, types);
    populateRowDefinitions(patterns, types);
    populateWeightDefinitions(patterns, types);
    if (failed(applyPartialConversion(module, target, std::move(patterns))))
      return signalPassFailure();
    module.walk([&](Operation *op) { removeOwnAttributes(op); });
  }

  static bool isOwn(NamedAttribute attr) {
    return isa_and_present<onnx::OnnxDialect, graph::GraphDialect, qt::QTDialect>(attr.getNameDialect()) ||
           StringRef(attr.getName()).starts_with("kern.") || StringRef(attr.getName()).starts_with("kv.");
  }

  /// What this project's other parts say to each other means nothing to upstream.
  static void removeOwnAttributes(Operation *op) {
    for (NamedAttribute attr : llvm::to_vector(op->getDiscardableAttrs()))
      if (isOwn(attr))
        op->removeDiscardableAttr(attr.getName());
    auto func = dyn_cast<FunctionOpInterface>(op);
    if (!func)
      return;
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      for (NamedAttribute attr : llvm::to_vector(func.getArgAttrs(i)))
        if (isOwn(attr))
          func.removeArgAttr(i, attr.getName());
    for (unsigned i = 0; i < func.getNumResults(); ++i)
      for (NamedAttribute attr : llvm::to_vector(func.getResultAttrs(i)))
        if (isOwn(attr))
          func.removeResultAttr(i, attr.getName());
  }
};

void buildReference(OpPassManager &passes) {
  passes.addPass(createConvertGraphToLinalg());
  // Before there are declarations of libm's functions, which have none.
  passes.addNestedPass<func::FuncOp>(LLVM::createLLVMRequestCWrappersPass());
  passes.addPass(createCSEPass());
  bufferization::OneShotBufferizePassOptions buffers;
  buffers.bufferizeFunctionBoundaries = true;
  buffers.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  passes.addPass(bufferization::createOneShotBufferizePass(buffers));
  passes.addPass(createConvertLinalgToLoopsPass());
  passes.addPass(memref::createExpandOpsPass());
  passes.addPass(memref::createExpandStridedMetadataPass());
  passes.addPass(createLowerAffinePass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createConvertMathToLibmPass());
  passes.addPass(arith::createArithExpandOpsPass());
  passes.addPass(createConvertToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
}
} // namespace

void registerReferencePipeline() {
  PassPipelineRegistration<>("sinter-reference",
                             "what a graph means, as LLVM: definitions instead of kernels, and upstream's passes",
                             buildReference);
}

} // namespace sinter::reference
