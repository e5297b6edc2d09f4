//===- Model.cpp - opens a model ------------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

#include "runtime/src/WeightHash.h"

#include <stdlib.h>

namespace sinter::runtime {

/// Which input axis gives each symbol its value: the first whose size is exactly the symbol.
static int findSources(Model &model, char *why) {
  const Program &program = model.program;
  List<Symbol> symbols = program.symbols();
  model.sources = static_cast<Model::Source *>(calloc(symbols.count + 1, sizeof(Model::Source)));
  if (!model.sources)
    return fail(why, SINTER_ERROR_MEMORY, "no memory for the model");
  for (uint32_t i = 0; i < symbols.count; ++i)
    model.sources[i] = {kNone, 0};
  for (uint32_t i = 0; i < program.inputs().count; ++i) {
    List<Axis> axes = program.axes(program.inputs()[i]);
    for (uint32_t k = 0; k < axes.count; ++k) {
      uint32_t symbol = program.symbolOf(axes[k].size);
      if (symbol != kNone && symbols[symbol].kind == SymbolKind::Input && model.sources[symbol].input == kNone)
        model.sources[symbol] = {i, k};
    }
  }
  for (uint32_t i = 0; i < symbols.count; ++i)
    if (symbols[i].kind == SymbolKind::Input && model.sources[i].input == kNone && symbols[i].lo != symbols[i].hi)
      return fail(why, SINTER_ERROR_CORRUPT, "the model is damaged: no input has an axis of size '%s'",
                  program.string(symbols[i].name));
  return SINTER_OK;
}

/// Fills model.info's lists from the program.
static int describe(Model &model, char *why) {
  const Program &program = model.program;
  const Header &header = *program.header;
  uint64_t axisCount = 0;
  for (const Tensor &tensor : program.inputs())
    axisCount += tensor.axes.count;
  for (const Tensor &tensor : program.outputs())
    axisCount += tensor.axes.count;
  for (const State &state : program.states())
    axisCount += state.in.axes.count + state.out.axes.count;

  Interval *bounds = static_cast<Interval *>(calloc(header.scalars.count + 1, sizeof(Interval)));
  sinter_axis *axes = static_cast<sinter_axis *>(calloc(axisCount + 1, sizeof(sinter_axis)));
  auto *inputs = static_cast<sinter_tensor_info *>(calloc(header.inputs.count + 1, sizeof(sinter_tensor_info)));
  auto *outputs = static_cast<sinter_tensor_info *>(calloc(header.outputs.count + 1, sizeof(sinter_tensor_info)));
  auto *states = static_cast<sinter_state_info *>(calloc(header.states.count + 1, sizeof(sinter_state_info)));
  auto *metas = static_cast<sinter_meta *>(calloc(header.metas.count + 1, sizeof(sinter_meta)));
  sinter_model_info &info = model.details;
  info.inputs = inputs, info.outputs = outputs, info.states = states, info.metas = metas;
  model.axes = axes;
  if (!bounds || !axes || !inputs || !outputs || !states || !metas) {
    free(bounds);
    return fail(why, SINTER_ERROR_MEMORY, "no memory for the model");
  }
  evaluateBounds(program, bounds);

  for (const State &state : program.states())
    if (program.grows(state))
      info.capacity = larger(info.capacity, program.symbols()[state.past].hi);
  auto describeTensor = [&](const Tensor &tensor) {
    sinter_tensor_info out = {program.string(tensor.name), static_cast<sinter_dtype>(tensor.dtype), tensor.axes.count,
                              axes, tensor.bound};
    for (const Axis &axis : program.axes(tensor)) {
      Interval size = bounds[axis.size];
      // Sums of bounds are too wide here: past and new tokens share the capacity; and too narrow: a sequence may be
      // chunked.
      if (info.capacity && axis.role == AxisRole::Total)
        size.hi = smaller(size.hi, info.capacity);
      if (info.capacity && axis.role == AxisRole::Sequence && header.chunkable)
        size.hi = info.capacity;
      *axes++ = {program.string(axis.label), larger<int64_t>(size.lo, 0), size.hi,
                 static_cast<sinter_axis_role>(axis.role)};
    }
    return out;
  };
  for (const Tensor &tensor : program.inputs())
    inputs[info.input_count++] = describeTensor(tensor);
  for (const Tensor &tensor : program.outputs())
    outputs[info.output_count++] = describeTensor(tensor);
  for (const State &state : program.states())
    states[info.state_count++] = {static_cast<sinter_state_kind>(state.kind),
                                  describeTensor(state.in),
                                  describeTensor(state.out),
                                  state.bytes,
                                  state.bytesPerToken,
                                  program.string(state.layout)};
  for (const Meta &meta : program.list<Meta>(header.metas))
    metas[info.meta_count++] = {program.string(meta.key), program.at(meta.value.offset), meta.value.count};
  info.chunk = header.chunk;
  info.chunkable = header.chunkable;
  info.rows = header.rows.count;
  info.weight_bytes = header.weightBytes;
  info.arena_bytes = header.arenaBytes;
  info.scratch_bytes = header.scratchBytes;
  free(bounds);
  return SINTER_OK;
}

void closeModel(Model *model) {
  unloadWeights(*model);
  const sinter_model_info &info = model->details;
  free(const_cast<sinter_tensor_info *>(info.inputs));
  free(const_cast<sinter_tensor_info *>(info.outputs));
  free(const_cast<sinter_state_info *>(info.states));
  free(const_cast<sinter_meta *>(info.metas));
  free(model->axes);
  free(model->sources);
  free(model);
}

static int openInto(Model &model, const program::Model &table, const char *path, const sinter_open_options &options,
                    char *why) {
  model.info = &model.details;
  model.program = {table.program};
  model.kernels = table.kernels;
  model.allocator = options.allocator;
  if (!verifyProgram(model.program, model.extents, why))
    return SINTER_ERROR_CORRUPT;
  if (int status = describe(model, why))
    return status;
  if (int status = findSources(model, why))
    return status;
  if (const sinter_meta *features = sinter_find_meta(&model, "features"))
    if (int status = checkFeatures(features->value, why))
      return status;
  if (int status = loadWeights(model, path, options, why))
    return status;
  const Header &header = *model.program.header;
  model.identity = hashCombine(hashWeights(reinterpret_cast<const char *>(&header), header.bytes), header.weightHash);
  model.details.placement = model.mapped ? "mapped file" : model.weights.data ? "huge pages" : "none";
  return SINTER_OK;
}

int openModel(const program::Model &table, const char *path, const sinter_open_options &options, Model *&model,
              char *why) {
  model = nullptr;
  if (table.magic != kMagic || table.version != kVersion || !table.program || table.program->version != kVersion)
    return fail(why, SINTER_ERROR_VERSION, "the model's program is of version %u, its runtime reads version %u",
                table.program ? table.program->version : table.version, kVersion);
  Model *made = static_cast<Model *>(calloc(1, sizeof(Model)));
  if (!made)
    return fail(why, SINTER_ERROR_MEMORY, "no memory for the model");
  made->api = static_cast<const sinter_api *>(table.api);
  int status = openInto(*made, table, path, options, why);
  if (status)
    closeModel(made);
  else
    model = made;
  return status;
}

} // namespace sinter::runtime
