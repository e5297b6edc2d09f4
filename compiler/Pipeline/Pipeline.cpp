//===- Pipeline.cpp - the stages, in order ------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Pipeline/Pipeline.h"
#include "compiler/Codegen/Codegen.h"
#include "passes/Fuse/Passes.h"
#include "passes/KVLayout/Passes.h"
#include "passes/Lower/CPU/Passes.h"
#include "passes/Quantize/Passes.h"
#include "passes/Raise/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace sinter {
namespace {

void buildRaise(OpPassManager &passes, const CompileOptions &options) {
  raise::RaiseOnnxOptions raise;
  for (const DimBound &dim : options.dims)
    raise.dims.push_back(dim.name + "=" + std::to_string(dim.lo) + ".." + std::to_string(dim.hi));
  for (const StatePair &state : options.states)
    raise.declared.push_back(state.input + "=" + state.output);
  for (const std::string &probe : options.probes)
    raise.probes.push_back(probe);
  raise.maxSeq = options.maxSeq.value_or(0);
  raise.context = options.context.value_or(0);
  raise.chunk = options.chunk.value_or(512);
  // A table that stays as it is in the file is best read from there.
  raise.embeddings = options.weights != "auto" && options.weights != "f32";
  passes.addPass(raise::createRaiseOnnx(raise));
  passes.addPass(createCSEPass());
}

void buildQuantize(OpPassManager &passes, const CompileOptions &options) {
  quantize::QuantizeWeightsOptions quantize;
  quantize.weights = options.weights;
  quantize.activations = options.activations == ActivationChoice::Auto ? "auto" : options.activations == ActivationChoice::F32 ? "f32" : "int8";
  passes.addPass(quantize::createQuantizeWeights(quantize));
}

void buildKV(OpPassManager &passes, const CompileOptions &options) {
  kvlayout::AssignCachesOptions caches;
  switch (options.kv) {
  case CacheChoice::Auto: caches.element = "auto"; break;
  case CacheChoice::F32: caches.element = "f32"; break;
  case CacheChoice::F16: caches.element = "f16"; break;
  case CacheChoice::BF16: caches.element = "bf16"; break;
  }
  passes.addPass(kvlayout::createAssignCaches(caches));
  passes.addPass(kvlayout::createMarkWholeRuns());
  passes.addPass(kvlayout::createLimitRows());
}

void buildFuse(OpPassManager &passes, const CompileOptions &options) {
  if (!options.everyKey)
    passes.addPass(fuse::createBoundAttention());
  passes.addPass(fuse::createFormKernels());
}

void buildCodegen(OpPassManager &passes, const CompileOptions &) {
  passes.addNestedPass<func::FuncOp>(lower::createKernLower());
  addLoweringPasses(passes);
}

} // namespace

ArrayRef<Stage> stages() {
  static const Stage all[] = {
      {"raise", "ONNX nodes become transformer operations on tensors", buildRaise},
      {"quantize", "weights and inputs of linears get formats", buildQuantize},
      {"kv", "keys and values get caches with a layout", buildKV},
      {"fuse", "tensors become kernels on buffers", buildFuse},
      {"codegen", "kernels become machine code", buildCodegen},
  };
  return all;
}

} // namespace sinter
