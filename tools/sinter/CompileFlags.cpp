//===- CompileFlags.cpp - the options of a compilation ------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/CompileFlags.h"
#include "passes/Quantize/Recipe.h"

#include "llvm/ADT/SmallVector.h"

using namespace llvm;
using namespace sinter;
using namespace sinter::tools;

/// NAME=N or NAME=LO..HI. Names have spaces, '+' and even '=' in them, so the last '=' counts.
static Error addDim(StringRef text, std::vector<DimBound> &dims) {
  auto [name, bounds] = text.rsplit('=');
  auto [low, high] = bounds.split("..");
  DimBound dim{name.str(), 0, 0};
  bool isRange = bounds.contains("..");
  if (name.empty() || low.getAsInteger(10, dim.lo) || (isRange && high.getAsInteger(10, dim.hi)))
    return createStringError("is not NAME=N or NAME=LO..HI");
  if (!isRange)
    dim.hi = dim.lo;
  if (dim.lo < 0 || dim.hi < dim.lo || dim.hi == 0)
    return createStringError("is no range of sizes");
  for (const DimBound &other : dims)
    if (other.name == dim.name)
      return createStringError("bounds a dimension that has its bounds already");
  dims.push_back(std::move(dim));
  return Error::success();
}

static Error addState(StringRef text, std::vector<StatePair> &states) {
  auto [input, output] = text.split('=');
  if (input.empty() || output.empty())
    return createStringError("is not IN=OUT");
  states.push_back({input.str(), output.str()});
  return Error::success();
}

static Error setEmit(StringRef text, CompileOptions &options) {
  options.emitLibrary = options.emitObject = options.emitLLVM = options.emitHeader = false;
  SmallVector<StringRef> kinds;
  text.split(kinds, ',');
  for (StringRef kind : kinds) {
    bool *emit = kind == "so"       ? &options.emitLibrary
                 : kind == "obj"    ? &options.emitObject
                 : kind == "llvm"   ? &options.emitLLVM
                 : kind == "header" ? &options.emitHeader
                                    : nullptr;
    if (!emit)
      return createStringError("is no list of so, obj, llvm and header");
    *emit = true;
  }
  return Error::success();
}

CompileFlags::CompileFlags(Command &command, CompileOptions &options) {
  command.option("o", "FILE", "the library to write", options.output);
  command.option("weights", "FORMAT",
                 "format of the linears' float weights: auto (as in the file), f32, bf16, f16, int8 (per channel), "
                 "int4 (groups of 128); "
                 "with settings behind a colon, as in int4:group=32. Weights that the file quantizes stay as they are",
                 [&options](StringRef text) -> Error {
                   options.weights = text.str();
                   return quantize::parseRecipe(text).takeError();
                 });
  command.choice("activations",
                 "what linears with quantized weights compute with (auto: int8 where the file or --weights says so)",
                 options.activations,
                 {{"auto", ActivationChoice::Auto}, {"f32", ActivationChoice::F32}, {"int8", ActivationChoice::Int8}});
  command.choice(
      "kv", "type of the key-value caches (auto: as in the file)", options.kv,
      {{"auto", CacheChoice::Auto}, {"f32", CacheChoice::F32}, {"f16", CacheChoice::F16}, {"bf16", CacheChoice::BF16}});
  command.option("mcpu", "CPU", "processor to compile for, as LLVM calls it: native, x86-64-v3, znver4, ...",
                 options.mcpu);
  command.option("dim", "NAME=N|LO..HI", "size or bounds of a dimension that the file leaves open; once for each",
                 [&options](StringRef text) { return addDim(text, options.dims); });
  command.option("max-seq", "N", "most tokens that a session holds (default: what the model was made for, up to 4096)",
                 options.maxSeq, 1);
  command.option("chunk", "N", "most tokens of a prompt that are run in one go (default 512)", options.chunk, 1);
  command.option("state", "IN=OUT",
                 "carry output OUT of a run to input IN of the next, in the session; once for each pair that is not recognised "
                 "by itself",
                 [&options](StringRef text) { return addState(text, options.states); });
  command.flag("keep-past-outputs", "keep the state's new values readable as outputs", options.keepPastOutputs);
  command.option("probe", "NODE",
                 "make a value inside the graph an output, by its name or by that of the node that computes it; once for each",
                 options.probes);
  command.flag("every-key", "compute attention with the keys that a mask hides, too: the same results, to compare with",
               options.everyKey);
  command.option("tokenizer", "FILE",
                 "tokenizer to embed: tokenizer.json, llama2.c's .bin, or bytes (default: the one beside the model)",
                 tokenizer);
  command.option("dump-ir", "DIR", "write the IR after every stage to a folder", options.dumpIR);
  command.option("stop-after", "STAGE",
                 "print the IR after a stage and stop: import, raise, quantize, kv, fuse, plan, codegen",
                 options.stopAfter);
  command.option("emit", "KIND,...", "what to write: so (default), obj, llvm, header",
                 [&options](StringRef text) { return setEmit(text, options); });
  command.option("sidecar-over", "BYTES", "weights of more than this go to a file beside the library (default 1 GiB)",
                 [&options](StringRef text) -> Error {
                   if (text.getAsInteger(10, options.sidecarThreshold))
                     return createStringError("is no whole number");
                   return Error::success();
                 });
  command.option("threads", "N", "threads that encode weights (default: one a processor)",
                 [&options](StringRef text) -> Error {
                   if (text.getAsInteger(10, options.threads))
                     return createStringError("is no whole number");
                   return Error::success();
                 });
  command.flag("v", "print stages and notes, in a pipe too", verbose);
}

Error CompileFlags::finish(CompileOptions &options) const {
  if (options.output.empty() && options.stopAfter.empty())
    return make_error<UsageError>("no output is given: -o FILE");
  return Error::success();
}
