//===- BenchCommand.cpp - sinter bench ----------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Commands.h"
#include "tools/sinter/Machine.h"
#include "tools/sinter/Model.h"
#include "tools/sinter/Options.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <algorithm>
#include <chrono>
#include <thread>

using namespace llvm;
using namespace sinter;
using namespace sinter::tools;

/// As for sessions, which are made after the machine was measured with as many.
static constexpr int64_t kMaxThreads = 1024;

namespace {
struct Options {
  std::string model;
  std::vector<int64_t> threads, depths = {0, 2048};
  int64_t prompt = 512, generate = 64;
  bool json = false;
};

/// What one combination of threads and depth gave. Speeds are 0 where they were not measured.
struct Measurement {
  int64_t threads, prompt, depth;
  double prefill = 0, decode = 0; // tokens a second
  double run = 0;                 // seconds; models that are no decoders
  double bytesPerToken = 0;       // weights and cache read
  double bandwidth = 0, peak = 0; // of the machine: bytes and operations a second
  double prefillOperations = 0;   // of the linears, for the whole prompt or run

  double bandwidthShare() const { return decode * bytesPerToken / bandwidth; }
  double peakShare() const { return prefillOperations * (run ? 1 / run : prefill / prompt) / peak; }
};
} // namespace

static double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

/// Calls `work` a few times, and for up to a few seconds; the median of its times. `before` is not timed.
static Expected<double> timed(function_ref<Error()> before, function_ref<Error()> work) {
  using Clock = std::chrono::steady_clock;
  auto since = [](Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  constexpr unsigned least = 3, most = 15;
  constexpr double enough = 6;
  std::vector<double> times;
  Clock::time_point begin = Clock::now();
  for (unsigned i = 0; i <= most && (i <= least || since(begin) < enough); ++i) {
    if (Error error = before())
      return error;
    Clock::time_point start = Clock::now();
    if (Error error = work())
      return error;
    if (i > 0) // the first one warms up
      times.push_back(since(start));
  }
  return median(std::move(times));
}

/// Multiply-accumulates of the linears for so many tokens; those of the head are done for the last one only.
static double operations(const Model &model, int64_t tokens) {
  double all = model.number("linear-macs"), head = model.number("head-macs");
  return 2 * ((all - head) * tokens + head);
}

//===----------------------------------------------------------------------===//
// Decoders
//===----------------------------------------------------------------------===//

static Error benchDecoder(const Model &model, const Options &options, Measurement &row) {
  Expected<Session> session = Session::create(model, row.threads, 0);
  if (!session)
    return session.takeError();
  std::vector<int64_t> prompt(row.prompt);
  Expected<ArrayRef<float>> logits = session->forward(int64_t(0)); // for the size of the vocabulary
  if (!logits)
    return logits.takeError();
  int64_t vocabulary = logits->size();
  for (auto [i, token] : enumerate(prompt))
    token = (i * 7919 + 13) % vocabulary;
  auto rewind = [&] { return session->setLength(row.depth, prompt[0]); };

  Expected<double> prefill = timed(rewind, [&] { return session->forward(prompt).takeError(); });
  if (!prefill)
    return prefill.takeError();
  row.prefill = row.prompt / *prefill;
  row.prefillOperations = operations(model, row.prompt);

  Expected<double> decode = timed(rewind, [&]() -> Error {
    for (int64_t i = 0; i < options.generate; ++i)
      if (Error error = session->forward(prompt[i % prompt.size()]).takeError())
        return error;
    return Error::success();
  });
  if (!decode)
    return decode.takeError();
  row.decode = options.generate / *decode;
  double context = row.depth + (options.generate + 1) / 2.0;
  uint64_t weights = model.number("weights-read");
  row.bytesPerToken = (weights ? weights : model.info().weight_bytes) + context * model.cacheBytesPerToken();
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Other models
//===----------------------------------------------------------------------===//

/// Inputs of the sizes asked for: ones for integers (which are ids or masks), small numbers for floats.
static Expected<std::vector<Array>> makeInputs(const Model &model, int64_t tokens) {
  std::vector<Array> arrays;
  for (const sinter_tensor_info &input : ArrayRef(model.info().inputs, model.info().input_count)) {
    std::vector<int64_t> shape;
    for (const sinter_axis &axis : ArrayRef(input.axes, input.rank)) {
      bool batch = axis.role == SINTER_AXIS_BATCH;
      shape.push_back(std::clamp<int64_t>(batch ? 1 : axis.lo == axis.hi ? axis.hi : tokens, axis.lo, axis.hi));
    }
    Array &array = arrays.emplace_back(DType(input.dtype), shape);
    for (int64_t i = 0, size = array.size(); i < size; ++i) {
      float value = float(i * 7919 % 1000) / 1000 - 0.5f;
      switch (array.type) {
      case DType::F32:
        array.as<float>()[i] = value;
        break;
      case DType::F64:
        array.as<double>()[i] = value;
        break;
      case DType::F16:
        array.as<uint16_t>()[i] = 0x3800 | (i & 0x3ff);
        break; // 0.5 to 1
      case DType::BF16:
        array.as<uint16_t>()[i] = 0x3f00 | (i & 0x7f);
        break;
      default:
        array.data[i * sizeInBytes(array.type)] = 1; // little endian
      }
    }
  }
  return arrays;
}

static Error benchRun(const Model &model, Measurement &row) {
  Expected<Session> session = Session::create(model, row.threads, 0);
  if (!session)
    return session.takeError();
  const sinter_model_info &info = model.info();
  Expected<std::vector<Array>> arrays = makeInputs(model, row.prompt);
  if (!arrays)
    return arrays.takeError();
  std::vector<sinter_tensor> inputs;
  int64_t rows = 1, tokens = 0; // rows of the linears: the sizes of batch and sequence
  for (auto [input, array] : zip(ArrayRef(info.inputs, info.input_count), *arrays)) {
    inputs.push_back(view(input.name, array));
    int64_t product = 1;
    for (auto [axis, size] : zip(ArrayRef(input.axes, input.rank), array.shape)) {
      if (axis.role == SINTER_AXIS_SEQUENCE)
        tokens = size;
      if (axis.role == SINTER_AXIS_BATCH || axis.role == SINTER_AXIS_SEQUENCE)
        product *= size;
    }
    rows = std::max(rows, product);
  }
  std::vector<const char *> outputs;
  for (const sinter_tensor_info &output : ArrayRef(info.outputs, info.output_count))
    outputs.push_back(output.name);
  Expected<double> seconds =
      timed([]() -> Error { return Error::success(); }, [&] { return session->run(inputs, outputs).takeError(); });
  if (!seconds)
    return seconds.takeError();
  row.run = *seconds;
  row.prompt = tokens;
  // How many rows the linears of an image have, say, is not known here.
  row.prefillOperations = tokens ? 2.0 * model.number("linear-macs") * rows : 0;
  row.bytesPerToken = info.weight_bytes;
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

static json::Value numberOrNull(double value) { return value > 0 ? json::Value(value) : json::Value(nullptr); }

static json::Object toJson(const Measurement &row) {
  json::Object object{{"threads", row.threads},
                      {"prompt", numberOrNull(row.prompt)},
                      {"depth", row.depth},
                      {"bytes_per_token", row.bytesPerToken},
                      {"read_gb_per_s", row.bandwidth / 1e9},
                      {"int8_gop_per_s", row.peak / 1e9},
                      {"peak_share", numberOrNull(row.peakShare())}};
  if (row.run) {
    object["ms_per_run"] = row.run * 1e3;
    return object;
  }
  object["prefill_tokens_per_s"] = row.prefill;
  object["decode_tokens_per_s"] = row.decode;
  object["bandwidth_share"] = row.bandwidthShare();
  return object;
}

static void printHeader(raw_ostream &os, const Model &model, bool decoder) {
  os << "weights: " << formatv("{0:f1} MB", model.info().weight_bytes / 1e6) << " in " << model.info().placement
     << "\n\n";
  os << (decoder ? "threads  depth  prefill tok/s  decode tok/s  MB/token  bandwidth GB/s  share  int8 Gop/s  share\n"
                 : "threads  tokens    ms/run  bandwidth GB/s  int8 Gop/s  share\n");
}

static void print(raw_ostream &os, const Measurement &row) {
  auto share = [](double value) { return value > 0 ? formatv("{0:f0}%", value * 100).str() : std::string("-"); };
  if (row.run)
    os << formatv("{0,7}  {1,6}  {2,8:f3}  {3,14:f1}  {4,10:f0}  {5,5}\n", row.threads, row.prompt ? std::to_string(row.prompt) : "-", row.run * 1e3,
                  row.bandwidth / 1e9, row.peak / 1e9, share(row.peakShare()));
  else
    os << formatv("{0,7}  {1,5}  {2,13:f1}  {3,12:f1}  {4,8:f1}  {5,14:f1}  {6,5}  {7,10:f0}  {8,5}\n", row.threads,
                  row.depth, row.prefill, row.decode, row.bytesPerToken / 1e6, row.bandwidth / 1e9,
                  share(row.bandwidthShare()), row.peak / 1e9, share(row.peakShare()));
  os.flush();
}

Error tools::benchCommand(ArrayRef<StringRef> arguments) {
  Options options;
  Command command("bench", "measure a compiled model's speed beside what the machine can do");
  command.example(
      "sinter bench model.so",
      "A prompt of 512 tokens and 64 generated ones, on one thread and on all, with empty and with filled caches.");
  command.example("sinter bench model.so --threads=1,2 --prompt=128 --generate=32 --depth=0,1024", "Other sizes.");
  command.example("sinter bench encoder.so --prompt=128 --json", "Time of one run on 128 tokens, for programs.");
  command.positional("MODEL.so", "a library that 'sinter compile' made", options.model);
  command.option("threads", "N,...", "numbers of threads (default: 1 and one a processor)", options.threads, 1);
  command.option("prompt", "N", "tokens of the prompt, or of an encoder's input (default 512)", options.prompt, 1);
  command.option("generate", "N", "tokens to generate (default 64)", options.generate, 1);
  command.option("depth", "N,...",
                 "tokens that are in the cache already (default 0,2048, as far as the model can hold them)",
                 options.depths, 0);
  command.flag("json", "print a list of rows as JSON", options.json);
  Expected<bool> goOn = command.parse(arguments, outs());
  if (!goOn || !*goOn)
    return goOn.takeError();
  for (int64_t threads : options.threads)
    if (threads > kMaxThreads)
      return createStringError(Twine(threads) + " threads were asked for, at most " + Twine(kMaxThreads) + " are possible");
  if (options.threads.empty()) {
    options.threads = {1};
    if (unsigned all = std::thread::hardware_concurrency(); all > 1)
      options.threads.push_back(all);
  }

  Expected<Model> model = Model::open(options.model);
  if (!model)
    return model.takeError();
  Expected<ReadBuffer> buffer = ReadBuffer::create();
  if (!buffer)
    return buffer.takeError();
  bool decoder = model->isDecoder();
  int64_t capacity = model->info().capacity;
  if (!options.json)
    printHeader(outs(), *model, decoder);
  json::Array rows;
  std::vector<int64_t> depths = decoder ? options.depths : std::vector<int64_t>{0};
  for (int64_t threads : options.threads) {
    double peak = int8Peak(threads);
    for (int64_t depth : depths) {
      Measurement row{threads, options.prompt, depth};
      if (decoder) {
        row.prompt = std::min(options.prompt, capacity - depth);
        if (row.prompt < 1 || depth + options.generate > capacity) {
          errs() << "depth " << depth << " is left out: the model holds " << capacity << " tokens\n";
          continue;
        }
      }
      // Other work on the machine comes and goes, so the machine is measured on both sides of the model.
      row.peak = peak;
      row.bandwidth = buffer->bandwidth(threads);
      if (Error error = decoder ? benchDecoder(*model, options, row) : benchRun(*model, row))
        return error;
      row.bandwidth = std::max(row.bandwidth, buffer->bandwidth(threads));
      row.peak = std::max(row.peak, int8Peak(threads));
      rows.push_back(toJson(row));
      if (!options.json)
        print(outs(), row);
    }
  }
  if (options.json)
    outs() << formatv("{0:2}", json::Value(std::move(rows))) << '\n';
  return Error::success();
}
