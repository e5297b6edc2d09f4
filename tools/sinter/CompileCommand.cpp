//===- CompileCommand.cpp - sinter compile ------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Compile.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/CompileFlags.h"
#include "tools/sinter/ModelFolder.h"
#include "tools/sinter/Options.h"
#include "tools/sinter/ProgressPrinter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;
using namespace sinter;
using namespace sinter::tools;

static void embedTokenizer(CompileOptions &options, const std::string &tokenizer, Progress &progress,
                           const FoundTokenizer &found) {
  if (!found.note.empty())
    progress.note(found.note + ", so it is not embedded");
  if (!found.path.empty()) {
    options.metas.emplace_back("tokenizer", found.bytes);
    options.metas.emplace_back("tokenizer.kind", found.kind);
    if (tokenizer.empty())
      progress.note("the tokenizer is " + found.path);
  }
  if (!found.eos.empty())
    options.metas.emplace_back("eos", join(map_range(found.eos, [](int64_t id) { return std::to_string(id); }), ","));
}

Error tools::compileCommand(ArrayRef<StringRef> arguments) {
  CompileOptions options;
  Command command("compile", "make a shared library of an ONNX model");
  command.example("sinter compile model.onnx -o model.so",
                  "Keeps the file's weights as they are: float32 stays float32, quantized stays quantized.");
  command.example("sinter compile model.onnx -o model.so --weights=int4 --activations=int8",
                  "Quantizes float weights to 4 bits in groups of 128, and computes with 8-bit integers.");
  command.example("sinter compile model.onnx -o model.so --weights=int4:group=32 --max-seq=4096 --kv=f16",
                  "Smaller groups, a cache of up to 4096 tokens in half precision.");
  command.example("sinter compile encoder.onnx -o encoder.so --dim batch=1..8 --dim sequence=1..512",
                  "Bounds the sizes that the file leaves open.");
  command.example("sinter compile rnn.onnx -o rnn.so --state h=h_next --probe /gru/Tanh",
                  "Keeps h in the session, and shows what a node inside computes.");
  command.example("sinter compile model.onnx -o model.so --mcpu=x86-64-v3",
                  "For any processor with AVX2 instead of this one.");
  command.positional("MODEL.onnx", "the model", options.model);
  CompileFlags flags(command, options);
  Expected<bool> goOn = command.parse(arguments, outs());
  if (!goOn || !*goOn)
    return goOn.takeError();
  if (Error error = flags.finish(options))
    return error;

  ProgressPrinter progress(flags.verbose, errs().is_displayed());
  FoundTokenizer found;
  if (flags.tokenizer.empty()) {
    found = findTokenizer(options.model);
  } else {
    Expected<FoundTokenizer> named = readTokenizer(flags.tokenizer);
    if (!named)
      return named.takeError();
    found = std::move(*named);
  }
  options.context = findContextLength(options.model);
  embedTokenizer(options, flags.tokenizer, progress, found);
  if (Error error = compileModel(options, progress))
    return error;
  uint64_t bytes = 0;
  if (options.stopAfter.empty() && options.emitLibrary && !sys::fs::file_size(options.output, bytes))
    progress.finish(options.output, bytes);
  return Error::success();
}
