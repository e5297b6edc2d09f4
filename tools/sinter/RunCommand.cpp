//===- RunCommand.cpp - sinter run --------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/OutputFiles.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/Model.h"
#include "tools/sinter/ModelFolder.h"
#include "tools/sinter/Options.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <chrono>
#include <map>

using namespace llvm;
using namespace sinter;
using namespace sinter::tools;

namespace {
struct Options {
  std::string model;
  std::optional<std::string> prompt;
  std::string inputs, steps, outputs, tokenizer, trace;
  double temperature = 0, topP = 1;
  int64_t topK = 0, threads = 0, chunk = 0;
  uint64_t seed = 0;
  std::optional<int64_t> maxTokens;
};
} // namespace

static double secondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

namespace {
struct Speaker {
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<int64_t> endTokens;
};
} // namespace

static Expected<Speaker> findSpeaker(const Model &model, const Options &options) {
  Speaker speaker;
  if (!options.tokenizer.empty()) {
    Expected<FoundTokenizer> found = readTokenizer(options.tokenizer);
    if (!found)
      return found.takeError();
    speaker.tokenizer = cantFail(Tokenizer::load(found->bytes, found->kind)); // loaded once already, to check it
    speaker.endTokens = model.endTokens();
    if (speaker.endTokens.empty())
      speaker.endTokens = found->eos;
    return speaker;
  }
  std::optional<StringRef> bytes = model.meta("tokenizer");
  if (!bytes)
    return createStringError("the model has no tokenizer, name one with --tokenizer=tokenizer.json");
  Expected<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::load(*bytes, model.meta("tokenizer.kind").value_or(""));
  if (!tokenizer)
    return tokenizer.takeError();
  speaker.tokenizer = std::move(*tokenizer);
  speaker.endTokens = model.endTokens();
  return speaker;
}

static Error speak(const Model &model, Session &session, const Options &options) {
  if (!model.isDecoder())
    return createStringError("the model is no decoder, run it with --inputs=in.npz --outputs=out.npz");
  Expected<Speaker> speaker = findSpeaker(model, options);
  if (!speaker)
    return speaker.takeError();
  std::vector<int64_t> tokens = speaker->tokenizer->encode(*options.prompt, /*addSpecial=*/true);
  if (tokens.empty())
    return createStringError("the prompt has no tokens");
  int64_t capacity = model.info().capacity, prompt = tokens.size();
  if (prompt > capacity)
    return createStringError("the prompt has " + Twine(prompt) + " tokens, but the model was compiled for " +
                             Twine(capacity) + " (compile with a larger --max-seq)");

  TextStream stream(*speaker->tokenizer);
  for (int64_t token : tokens) // so that the text goes on where the prompt ends
    stream.push(token);
  sinter_sampling sampling = {float(options.temperature), uint32_t(options.topK), float(options.topP),
                              options.seed};
  int64_t limit = options.maxTokens.value_or(256), generated = 0;
  auto begin = std::chrono::steady_clock::now();
  Expected<ArrayRef<float>> logits = session.forward(tokens);
  double promptSeconds = secondsSince(begin);
  begin = std::chrono::steady_clock::now();
  bool full = false;
  while (logits && generated < limit) {
    int64_t token = sinter_sample(model.get(), &sampling, logits->data(), logits->size());
    if (token < 0)
      return createStringError("the logits after " + Twine(prompt + generated) + " tokens are not numbers");
    ++generated;
    if (is_contained(speaker->endTokens, token))
      break;
    outs() << stream.push(token);
    outs().flush();
    full = prompt + generated > capacity;
    if (full || generated == limit)
      break;
    logits = session.forward(token);
  }
  if (!logits)
    return logits.takeError();
  double seconds = secondsSince(begin);
  outs() << stream.finish() << '\n';
  outs().flush();
  if (full)
    errs() << formatv("the cache is full: the model was compiled for {0} tokens (compile with a larger --max-seq)\n",
                      capacity);
  errs() << formatv("prompt: {0} tokens, {1:f1} tokens/s; generated: {2} tokens, {3:f1} tokens/s\n", prompt,
                    prompt / promptSeconds, generated, generated > 1 ? (generated - 1) / seconds : 0.0);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

using ArrayMap = std::map<std::string, Array>;

/// What is written: every output, and the states' new values where the model was compiled to show them.
static std::vector<const char *> outputNames(const Model &model) {
  std::vector<const char *> names;
  const sinter_model_info &info = model.info();
  for (const sinter_tensor_info &output : ArrayRef(info.outputs, info.output_count))
    names.push_back(output.name);
  if (model.number("keep-past-outputs"))
    for (const sinter_state_info &state : ArrayRef(info.states, info.state_count))
      names.push_back(state.out.name);
  return names;
}

/// Runs once and writes the outputs under `prefix`.
static Error runOnce(const Model &model, Session &session, const ArrayMap &arrays, const std::string &prefix,
                     NpzWriter &writer) {
  std::vector<sinter_tensor> inputs;
  for (auto &[name, array] : arrays) {
    if (array.shape.size() > SINTER_MAX_RANK)
      return createStringError("array '" + name + "' has " + Twine(array.shape.size()) + " axes, more than " +
                               Twine(SINTER_MAX_RANK));
    inputs.push_back(view(name.c_str(), array));
  }
  Expected<std::vector<sinter_tensor>> outputs = session.run(inputs, outputNames(model));
  if (!outputs)
    return outputs.takeError();
  for (const sinter_tensor &output : *outputs)
    writer.add(prefix + output.name, DType(output.dtype), ArrayRef(output.dims, output.rank),
               StringRef(static_cast<const char *>(output.data), output.bytes));
  return Error::success();
}

static Expected<std::map<int64_t, ArrayMap>> readSteps(const std::string &path) {
  Expected<NamedArrays> arrays = readNpz(path);
  if (!arrays)
    return arrays.takeError();
  std::map<int64_t, ArrayMap> steps;
  for (auto &[key, array] : *arrays) {
    auto [number, rest] = StringRef(key).split('/');
    auto [way, name] = rest.split('/');
    int64_t step;
    if (number.getAsInteger(10, step) || step < 0 || name.empty())
      return createStringError("'" + path + "': array '" + key + "' is not named STEP/in/NAME");
    if (way == "in") // expected outputs may stand beside the inputs
      steps[step][name.str()] = std::move(array);
  }
  if (steps.empty())
    return createStringError("'" + path + "' has no arrays named STEP/in/NAME");
  return steps;
}

/// Inputs that a step does not name keep their last value; states that it does not name are the session's own.
static Error runSteps(const Model &model, Session &session, const Options &options, NpzWriter &writer) {
  Expected<std::map<int64_t, ArrayMap>> steps = readSteps(options.steps);
  if (!steps)
    return steps.takeError();
  auto isState = [&](StringRef name) {
    return any_of(ArrayRef(model.info().states, model.info().state_count),
                  [&](const sinter_state_info &state) { return name == state.in.name || name == state.out.name; });
  };
  ArrayMap kept;
  for (auto &[step, arrays] : *steps) {
    for (auto &[name, array] : arrays)
      kept[name] = std::move(array);
    if (Error error = runOnce(model, session, kept, std::to_string(step) + "/out/", writer))
      return createStringError("step " + Twine(step) + ": " + toString(std::move(error)));
    std::erase_if(kept, [&](const auto &entry) { return isState(entry.first); });
  }
  return Error::success();
}

static Error runArrays(const Model &model, Session &session, const Options &options) {
  OutputFiles files;
  Expected<std::string> path = files.create(options.outputs);
  if (!path)
    return path.takeError();
  std::error_code code;
  raw_fd_ostream os(*path, code);
  if (code)
    return createStringError(code, "cannot write '" + options.outputs + "': " + code.message());
  NpzWriter writer(os);
  if (!options.steps.empty()) {
    if (Error error = runSteps(model, session, options, writer))
      return error;
  } else {
    Expected<NamedArrays> arrays = readNpz(options.inputs);
    if (!arrays)
      return arrays.takeError();
    ArrayMap inputs(std::make_move_iterator(arrays->begin()), std::make_move_iterator(arrays->end()));
    if (Error error = runOnce(model, session, inputs, "", writer))
      return error;
  }
  writer.finish();
  os.close();
  if (os.has_error()) {
    code = os.error();
    os.clear_error();
    return createStringError(code, "cannot write '" + options.outputs + "': " + code.message());
  }
  return files.commit();
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

Error tools::runCommand(ArrayRef<StringRef> arguments) {
  Options options;
  Command command("run", "generate text with a compiled decoder, or run any compiled model on arrays");
  command.example("sinter run model.so --prompt \"Once upon a time\"",
                  "Streams what the model says next, until its end token or 256 tokens.");
  command.example("sinter run model.so --prompt \"Hello\" --temperature=0.8 --top-p=0.95 --seed=7 --max-tokens=100",
                  "Draws tokens instead of taking the likeliest; the same seed gives the same text.");
  command.example("sinter run encoder.so --inputs=in.npz --outputs=out.npz",
                  "Runs once; numpy arrays by the names of inputs and outputs.");
  command.example("sinter run model.so --steps=case.npz --outputs=out.npz",
                  "Runs several steps of one session, arrays 0/in/NAME, 1/in/NAME, ... to 0/out/NAME, ...; an input "
                  "that a step does "
                  "not name keeps its last value, and state is carried on unless a step names it.");
  command.positional("MODEL.so", "a library that 'sinter compile' made", options.model);
  command.option("prompt", "TEXT", "text to go on from", [&](StringRef text) {
    options.prompt = text.str();
    return Error::success();
  });
  command.option("temperature", "X", "0 takes the likeliest token; more is more varied (default 0)",
                 options.temperature, 100);
  command.option("top-k", "N", "draw from the N likeliest tokens only (default 0: all)", options.topK, 0);
  command.option("top-p", "P", "draw from the likeliest tokens that together have probability P (default 1: all)",
                 options.topP, 1);
  command.option("seed", "N", "of the random numbers (default 0)", [&](StringRef text) -> Error {
    if (text.getAsInteger(10, options.seed))
      return createStringError("is no whole number");
    return Error::success();
  });
  command.option("max-tokens", "N", "stop after so many tokens (default 256)", options.maxTokens, 0);
  command.option("tokenizer", "FILE",
                 "tokenizer.json, llama2.c's .bin, or bytes (default: the one found when the model was compiled)",
                 options.tokenizer);
  command.option("inputs", "FILE.npz", "arrays by input name", options.inputs);
  command.option("steps", "FILE.npz", "arrays named STEP/in/INPUT", options.steps);
  command.option("outputs", "FILE.npz", "where outputs go", options.outputs);
  command.option("threads", "N", "threads (default: one a processor); results do not depend on it", options.threads, 1);
  command.option("chunk", "N", "most tokens of a prompt in one go (default: as compiled); results do not depend on it",
                 options.chunk, 1);
  command.option("trace", "FILE", "write what ran when, for chrome://tracing or ui.perfetto.dev", options.trace);
  Expected<bool> goOn = command.parse(arguments, outs());
  if (!goOn || !*goOn)
    return goOn.takeError();
  bool text = options.prompt.has_value(), once = !options.inputs.empty(), steps = !options.steps.empty();
  if (text + once + steps != 1)
    return make_error<UsageError>("give one of --prompt, --inputs and --steps");
  if (text == !options.outputs.empty())
    return make_error<UsageError>(text ? "--outputs does not go with --prompt" : "--outputs=FILE.npz is missing");

  Expected<Model> model = Model::open(options.model);
  if (!model)
    return model.takeError();
  Expected<Session> session = Session::create(*model, options.threads, options.chunk);
  if (!session)
    return session.takeError();
  if (!options.trace.empty())
    if (Error error = session->check(sinter_trace(session->get(), options.trace.c_str())))
      return error;
  if (Error error = text ? speak(*model, *session, options) : runArrays(*model, *session, options))
    return error;
  return options.trace.empty() ? Error::success() : session->check(sinter_trace(session->get(), nullptr));
}
