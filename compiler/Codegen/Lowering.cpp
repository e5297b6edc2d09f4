//===- Lowering.cpp - the LLVM dialect ------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Codegen/Codegen.h"
#include "passes/Lower/CPU/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/Vector/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void sinter::addLoweringPasses(OpPassManager &passes) {
  passes.addPass(lower::createKernelABI());

  OpPassManager &function = passes.nest<func::FuncOp>();
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
  function.addPass(createLoopInvariantCodeMotionPass());

  // Arithmetic that the CPU has no instructions for.
  function.addPass(lower::createExpandMath());
  arith::ArithEmulateUnsupportedFloatsOptions emulate;
  emulate.sourceTypeStrs = {"bf16"};
  function.addPass(arith::createArithEmulateUnsupportedFloats(emulate));
  // No canonicalization in between: it would fold the f32 steps away again.
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  function.addPass(arith::createArithExpandOpsPass(expand));
  function.addPass(createCanonicalizerPass());

  // Vectors of one dimension, then blocks and branches.
  function.addPass(vector::createLowerVectorMultiReductionPass(vector::VectorMultiReductionLowering::InnerParallel));
  VectorTransferToSCFOptions toLoops;
  toLoops.enableFullUnroll();
  function.addPass(createConvertVectorToSCFPass(toLoops));
  function.addPass(memref::createExpandStridedMetadataPass());
  function.addPass(createLowerAffinePass());
  function.addPass(createCanonicalizerPass());
  function.addPass(createCSEPass());
  ConvertVectorToLLVMPassOptions vectors;
  vectors.vectorTransposeLowering = vector::VectorTransposeLowering::Shuffle1D;
  vectors.vectorContractLowering = vector::VectorContractLowering::OuterProduct;
  vectors.x86Vector = true;
  function.addPass(createConvertVectorToLLVMPass(vectors));
  function.addPass(createSCFToControlFlowPass());
  function.addPass(createConvertMathToLLVMPass());
  function.addPass(createArithToLLVMConversionPass());
  function.addPass(createConvertIndexToLLVMPass());

  passes.addPass(createFinalizeMemRefToLLVMConversionPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createUBToLLVMConversionPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  // Folds descriptors away: LLVM finds out what may alias only where a pointer's way from its parameter is plain.
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}
