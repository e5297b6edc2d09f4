//===- InspectCommand.cpp - sinter inspect ------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Compile.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/CompileFlags.h"
#include "tools/sinter/Model.h"
#include "tools/sinter/Options.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <cstdlib>

using namespace llvm;
using namespace sinter;
using namespace sinter::tools;

/// Metas that are not for reading.
static bool isForPrograms(StringRef key) { return key == "tokenizer" || key == "notes"; }
/// Those that people are told in another way, or that are too long for them.
static bool isToldElsewhere(StringRef key) {
  return isForPrograms(key) ||
         is_contained({"features", "tokenizer.kind", "linear-macs", "head-macs", "weights-read"}, key);
}

namespace {
/// How many rows of a step are what.
struct Schedule {
  unsigned dispatches = 0, barriers = 0, kernels = 0;
};
} // namespace

static Schedule readSchedule(const program::Header &header) {
  Schedule schedule;
  auto *rows = reinterpret_cast<const program::Row *>(reinterpret_cast<const char *>(&header) + header.rows.offset);
  for (const program::Row &row : ArrayRef(rows, header.rows.count)) {
    schedule.dispatches += row.kind == program::RowKind::Dispatch;
    schedule.barriers += row.barrier != 0;
  }
  schedule.kernels = header.functions.count;
  return schedule;
}

static StringRef roleName(sinter_axis_role role) {
  static constexpr StringLiteral names[] = {"", "batch", "sequence", "total", "past"};
  return size_t(role) < std::size(names) ? names[role] : StringLiteral("");
}

static json::Object describe(const sinter_tensor_info &tensor) {
  json::Array axes;
  for (const sinter_axis &axis : ArrayRef(tensor.axes, tensor.rank))
    axes.push_back(
        json::Object{{"label", axis.label}, {"lo", axis.lo}, {"hi", axis.hi}, {"role", roleName(axis.role)}});
  return json::Object{{"name", tensor.name}, {"type", name(DType(tensor.dtype))}, {"axes", std::move(axes)}};
}

static json::Object describe(const Model &model) {
  const sinter_model_info &info = model.info();
  auto tensors = [](ArrayRef<sinter_tensor_info> list) {
    json::Array out;
    for (const sinter_tensor_info &tensor : list)
      out.push_back(describe(tensor));
    return out;
  };
  json::Array states;
  uint64_t stateBytes = 0;
  for (const sinter_state_info &state : ArrayRef(info.states, info.state_count)) {
    states.push_back(json::Object{{"in", describe(state.in)},
                                  {"out", describe(state.out)},
                                  {"kind", state.kind == SINTER_STATE_CACHE ? "cache" : "tensor"},
                                  {"layout", state.layout},
                                  {"bytes", int64_t(state.bytes)},
                                  {"bytes_per_token", int64_t(state.bytes_per_token)}});
    stateBytes += state.bytes;
  }
  json::Object metas;
  for (const sinter_meta &meta : ArrayRef(info.metas, info.meta_count))
    if (!isForPrograms(meta.key))
      metas[meta.key] = json::fixUTF8(StringRef(meta.value, meta.bytes));
  json::Array notes;
  SmallVector<StringRef> lines;
  model.meta("notes").value_or("").split(lines, '\n', -1, false);
  for (StringRef line : lines)
    notes.push_back(json::fixUTF8(line));
  Schedule schedule = readSchedule(model.program());
  return json::Object{{"inputs", tensors(ArrayRef(info.inputs, info.input_count))},
                      {"outputs", tensors(ArrayRef(info.outputs, info.output_count))},
                      {"states", std::move(states)},
                      {"capacity", info.capacity},
                      {"chunk", int64_t(info.chunk)},
                      {"chunkable", info.chunkable != 0},
                      {"weight_bytes", int64_t(info.weight_bytes)},
                      {"arena_bytes", int64_t(info.arena_bytes)},
                      {"scratch_bytes_per_thread", int64_t(info.scratch_bytes)},
                      {"state_bytes", int64_t(stateBytes)},
                      {"cache_bytes_per_token", int64_t(model.cacheBytesPerToken())},
                      {"dispatches", int64_t(schedule.dispatches)},
                      {"barriers", int64_t(schedule.barriers)},
                      {"kernels", int64_t(schedule.kernels)},
                      {"tokenizer", model.meta("tokenizer").has_value()},
                      {"metas", std::move(metas)},
                      {"notes", std::move(notes)}};
}

//===----------------------------------------------------------------------===//
// For people
//===----------------------------------------------------------------------===//

static std::string readable(uint64_t bytes) {
  if (bytes < 10'000)
    return formatv("{0} bytes", bytes);
  return bytes < 10'000'000 ? formatv("{0:f1} kB", bytes / 1e3) : formatv("{0:f1} MB", bytes / 1e6);
}

static void print(raw_ostream &os, const sinter_tensor_info &tensor) {
  os << "  " << tensor.name << ": " << name(DType(tensor.dtype)) << '[';
  for (auto [i, axis] : enumerate(ArrayRef(tensor.axes, tensor.rank))) {
    os << (i ? ", " : "");
    if (*axis.label)
      os << axis.label << ' ';
    else if (axis.role != SINTER_AXIS_OTHER)
      os << roleName(axis.role) << ' ';
    os << axis.lo;
    if (axis.hi != axis.lo)
      os << ".." << axis.hi;
    if (*axis.label && axis.role != SINTER_AXIS_OTHER && roleName(axis.role) != axis.label)
      os << " (" << roleName(axis.role) << ')';
  }
  os << "]\n";
}

static void print(raw_ostream &os, const Model &model) {
  const sinter_model_info &info = model.info();
  os << "inputs\n";
  for (const sinter_tensor_info &tensor : ArrayRef(info.inputs, info.input_count))
    print(os, tensor);
  os << "outputs\n";
  for (const sinter_tensor_info &tensor : ArrayRef(info.outputs, info.output_count))
    print(os, tensor);
  ArrayRef states(info.states, info.state_count);
  if (!states.empty()) {
    unsigned caches = count_if(states, [](const sinter_state_info &state) { return state.kind == SINTER_STATE_CACHE; });
    os << "state, carried by the session: " << caches << " caches, " << states.size() - caches << " tensors\n";
    print(os, states.front().in);
    if (states.size() > 1)
      os << "  ... " << states.size() - 1 << " more, up to " << states.back().in.name << '\n';
    os << "  layout: " << states.front().layout << '\n';
  }
  os << "memory\n  weights: " << readable(info.weight_bytes) << "\n  arena: " << readable(info.arena_bytes)
     << " a session, and " << readable(info.scratch_bytes) << " a thread\n";
  if (info.capacity)
    os << "  caches: " << readable(model.cacheBytesPerToken()) << " a token, up to " << info.capacity << " tokens\n";
  Schedule schedule = readSchedule(model.program());
  os << "a step\n  dispatches: " << schedule.dispatches << " of " << schedule.kernels << " kernels, "
     << schedule.barriers << " barriers\n";
  if (uint64_t macs = model.number("linear-macs"); macs && model.isDecoder())
    os << formatv("  a token reads {0} of weights, for {1:f1} million multiply-accumulates\n",
                  readable(model.number("weights-read")), macs / 1e6);
  if (model.program().sequence != program::kNone)
    os << "  at most " << info.chunk << " new tokens"
       << (info.chunkable ? "; more are run in chunks" : ", and no more in chunks") << '\n';
  os << "made with\n";
  for (const sinter_meta &meta : ArrayRef(info.metas, info.meta_count))
    if (meta.bytes && !isToldElsewhere(meta.key))
      os << "  " << meta.key << ": " << StringRef(meta.value, meta.bytes) << '\n';
  os << "  tokenizer: ";
  if (std::optional<StringRef> tokenizer = model.meta("tokenizer"))
    os << model.meta("tokenizer.kind").value_or("") << ", " << readable(tokenizer->size()) << '\n';
  else
    os << "none\n";
  SmallVector<StringRef> lines;
  model.meta("notes").value_or("").split(lines, '\n', -1, false);
  if (!lines.empty())
    os << "notes\n";
  for (StringRef line : lines)
    os << "  " << line << '\n';
}

Error tools::inspectCommand(ArrayRef<StringRef> arguments) {
  CompileOptions options;
  bool json = false;
  Command command("inspect", "say what is in an ONNX model or in a compiled library");
  command.example("sinter inspect model.so",
                  "Inputs, outputs, state, memory, kernels, and what could not be done as well as it might be.");
  command.example("sinter inspect model.onnx", "Inputs and outputs with their open dimensions, operators and weights.");
  command.example("sinter inspect model.so --json", "The same for programs.");
  command.positional("MODEL", "model.onnx or model.so", options.model);
  command.flag("json", "print JSON", json);
  Expected<bool> goOn = command.parse(arguments, outs());
  if (!goOn || !*goOn)
    return goOn.takeError();
  if (StringRef(options.model).ends_with(".onnx"))
    return inspectModel(options, json, outs());
  setenv("SINTER_MAP_WEIGHTS", "1", /*replace=*/1); // nothing is computed, so weights need not be read
  Expected<Model> model = Model::open(options.model);
  if (!model)
    return model.takeError();
  if (json)
    outs() << formatv("{0:2}", json::Value(describe(*model))) << '\n';
  else
    print(outs(), *model);
  return Error::success();
}
