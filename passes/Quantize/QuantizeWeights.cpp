//===- QuantizeWeights.cpp - the quantize-weights pass ------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Graph.h"
#include "dialects/Graph/Notes.h"
#include "dialects/Kern/Panel.h"
#include "passes/Quantize/Passes.h"
#include "passes/Quantize/Recipe.h"

using namespace mlir;

namespace sinter::quantize {
#define GEN_PASS_DEF_QUANTIZEWEIGHTS
#include "passes/Quantize/Passes.h.inc"

namespace {

struct QuantizeWeightsPass : impl::QuantizeWeightsBase<QuantizeWeightsPass> {
  using Base::Base;

  /// The format that the recipe gives a float weight; null: it stays.
  qt::QuantFormat formatFor(const Recipe &recipe, int64_t columns) {
    MLIRContext *context = &getContext();
    Builder b(context);
    if (recipe.kind == "bf16")
      return qt::FloatFormatAttr::get(context, b.getBF16Type());
    if (recipe.kind == "f16")
      return qt::FloatFormatAttr::get(context, b.getF16Type());
    if (recipe.kind == "f32")
      return qt::FloatFormatAttr::get(context, b.getF32Type());
    if (recipe.kind == "int8")
      return qt::IntFormatAttr::get(context, 8, recipe.group.value_or(0), b.getF32Type(), qt::ZeroPoint{qt::ZeroPoint::None, 0});
    if (recipe.kind == "int4")
      return qt::IntFormatAttr::get(context, 4, recipe.group.value_or(128), b.getF16Type(), qt::ZeroPoint{qt::ZeroPoint::Constant, 8});
    return {};
  }

  void runOnOperation() override {
    auto recipe = parseRecipe(weights);
    if (!recipe) {
      getOperation().emitError("'") << weights << "' " << llvm::toString(recipe.takeError());
      return signalPassFailure();
    }
    llvm::DenseSet<Operation *> ours;
    getOperation().walk([&](qt::ConstantOp constant) {
      qt::QuantTensorType type = constant.getType();
      bool isFloat = type.getFields().isFloat();
      if (!isFloat && recipe->kind != "f32") {
        if (recipe->kind != "auto")
          graph::addNote(constant, "weights that the file quantizes stay as they are; only --weights=f32 changes them");
        return;
      }
      if (isFloat && recipe->kind == "auto")
        return;
      qt::QuantFormat format = formatFor(*recipe, type.getColumns());
      if (!format)
        return;
      constant.getResult().setType(qt::QuantTensorType::get(&getContext(), type.getRows(), type.getColumns(), format));
      if (!constant.getType().getFields().isFloat())
        ours.insert(constant);
    });
    if (!llvm::is_contained({"auto", "f32", "int8"}, StringRef(activations))) {
      getOperation().emitError("unknown activation format '") << activations << "'";
      return signalPassFailure();
    }
    getOperation().walk([&](graph::LinearOp linear) {
      qt::QuantTensorType type = linear.getWeight().getType();
      bool allowed = linear->hasAttr("accuracy_level") || ours.contains(linear.getWeight().getDefiningOp());
      linear->removeAttr("accuracy_level");
      // Weights that were dequantized take floats, whatever the file says of their inputs.
      if (type.getFields().isFloat() && linear.getActivation()) {
        linear.removeActivationAttr();
        linear.getParamsMutable().clear();
      }
      if (linear.getActivation() || type.getFields().isFloat() || activations == "f32" || (activations == "auto" && !allowed))
        return;
      // A scale a group of the weight costs nothing where the group's sum is scaled anyway.
      auto granularity = type.getGroups() > 1 ? qt::Granularity::group : qt::Granularity::token;
      auto activation = qt::ActivationAttr::get(&getContext(), IntegerType::get(&getContext(), 8), granularity, qt::ScaleSource::Dynamic, false);
      if (kern::choosePanel(type, activation))
        linear.setActivationAttr(activation);
      else
        graph::addNote(linear, "computed in f32, because no integer kernel takes the weight's format");
    });
  }
};

} // namespace
} // namespace sinter::quantize
