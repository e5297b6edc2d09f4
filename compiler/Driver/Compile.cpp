//===- Compile.cpp - from a model's file to a library -------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Driver/Compile.h"
#include "compiler/Codegen/Codegen.h"
#include "compiler/Driver/OutputFiles.h"
#include "compiler/Driver/Weights.h"
#include "compiler/Import/Import.h"
#include "compiler/Link/Link.h"
#include "compiler/Pipeline/Pipeline.h"
#include "dialects/Graph/Graph.h"
#include "dialects/Graph/Notes.h"
#include "passes/Plan/Plan.h"
#include "runtime/RuntimeBlob.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include <thread>

using namespace mlir;
using llvm::Error;

namespace sinter {
namespace {

/// Collects what a compilation of the file at `path` reports, so that its first error becomes the sentence that the user sees: it names the node, or
/// where it is about none the file.
class Diagnostics {
public:
  Diagnostics(MLIRContext &context, const std::string &path)
      : handler(&context, [this, path](Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() != DiagnosticSeverity::Error || !message.empty())
            return success();
          std::string text = diagnostic.str();
          auto quotes = [&](llvm::StringRef name) { return text.find(("'" + name + "'").str()) != std::string::npos; };
          auto name = diagnostic.getLocation()->findInstanceOf<NameLoc>();
          // The location of an input or a tensor is its name, which the text has, too.
          if (name && name.getName() != path && !quotes(name.getName()))
            message = "node '" + name.getName().str() + "': ";
          else if (!quotes(path))
            message = "'" + path + "': ";
          message += text;
          return success();
        }) {}

  Error error(const llvm::Twine &fallback) {
    return llvm::createStringError(message.empty() ? fallback.str() : message);
  }

private:
  std::string message;
  ScopedDiagnosticHandler handler;
};

std::string besides(const std::string &output, llvm::StringRef extension) {
  llvm::SmallString<128> path(output);
  llvm::sys::path::replace_extension(path, extension);
  return path.str().str();
}

/// An error for what is wrong with the flags whatever the model holds.
Error checkOptions(const CompileOptions &options) {
  bool known = options.stopAfter.empty() || options.stopAfter == "import" || options.stopAfter == "plan";
  std::string names = "import";
  for (const Stage &stage : stages()) {
    known |= options.stopAfter == stage.name;
    names += (stage.name == "codegen" ? ", plan, " : ", ") + stage.name.str();
  }
  if (!known)
    return llvm::createStringError(std::make_error_code(std::errc::invalid_argument), "unknown stage '" + options.stopAfter + "': expected one of " + names);
  if (!options.output.empty() && llvm::sys::fs::equivalent(options.model, options.output))
    return llvm::createStringError("cannot write '" + options.output + "': it is the model");
  return Error::success();
}

/// An error for a --dim that is a dim of no input.
Error checkDims(ModuleOp module, llvm::ArrayRef<DimBound> dims) {
  llvm::SetVector<llvm::StringRef> labels;
  module.walk([&](func::FuncOp func) {
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      if (auto list = func.getArgAttrOfType<ArrayAttr>(i, "onnx.dims"))
        for (Attribute dim : list)
          if (auto label = llvm::dyn_cast<StringAttr>(dim); label && !label.empty())
            labels.insert(label.getValue());
  });
  for (const DimBound &dim : dims)
    if (!labels.contains(dim.name)) {
      std::string what = "no input has a dim '" + dim.name + "' for --dim";
      return llvm::createStringError(labels.empty() ? what : what + ": there are '" + llvm::join(labels, "', '") + "'");
    }
  return Error::success();
}

using Print = llvm::function_ref<Error(llvm::raw_ostream &)>;

/// Writes to `file`, which errors call `path`.
Error writeTo(llvm::StringRef file, llvm::StringRef path, Print print) {
  std::error_code code;
  llvm::raw_fd_ostream os(file, code);
  if (code)
    return llvm::createStringError("cannot write '" + path + "': " + code.message());
  Error error = print(os);
  os.close();
  code = os.error();
  os.clear_error(); // else the stream ends the program
  if (!error && code)
    return llvm::createStringError("cannot write '" + path + "': " + code.message());
  return error;
}

Error writeText(OutputFiles &files, const std::string &path, Print print) {
  auto temporary = files.create(path);
  return temporary ? writeTo(*temporary, path, print) : temporary.takeError();
}

/// The features that a processor must have, as the runtime compares them: "+avx2,+fma".
std::string requiredFeatures(llvm::StringRef features) {
  llvm::SmallVector<llvm::StringRef> all;
  features.split(all, ',');
  llvm::erase_if(all, [](llvm::StringRef feature) { return !feature.starts_with("+"); });
  return llvm::join(all, ",");
}

/// What one compilation works on. `lower` gives it kernels and a program, `write` the files that were asked for.
class Compilation {
public:
  Compilation(const CompileOptions &options, Progress &progress)
      : options(options), progress(progress), workers(options.threads ? options.threads : std::max(1u, std::thread::hardware_concurrency())),
        diagnostics(context, options.model) {
    context.loadDialect<onnx::OnnxDialect, graph::GraphDialect, qt::QTDialect, kv::KVDialect, kern::KernDialect>();
    context.printOpOnDiagnostic(false);
  }

  Error run() {
    auto found = resolveTarget(options.mcpu);
    if (!found)
      return found.takeError();
    target = std::move(*found);
    auto stopped = lower();
    if (!stopped || *stopped)
      return stopped.takeError();
    return write();
  }

private:
  const CompileOptions &options;
  Progress &progress;
  unsigned workers;
  MLIRContext context;
  Diagnostics diagnostics;
  TargetSpec target;
  OwningOpRef<ModuleOp> module;
  unsigned dumped = 0;
  plan::Program program;
  WeightWriter weights;

  //===--------------------------------------------------------------------===//
  // Stages
  //===--------------------------------------------------------------------===//

  /// Runs all stages on IR, and the plan between them. True: --stop-after ended it.
  llvm::Expected<bool> lower() {
    if (Error error = import())
      return std::move(error);
    auto stopped = reached("import");
    for (const Stage &stage : stages()) {
      if (!stopped || *stopped)
        return stopped;
      if (stage.name == "codegen") {
        if (Error error = plan())
          return std::move(error);
        if (printIfLast("plan"))
          return true;
        keepKernels();
      }
      progress.stage(stage.name);
      PassManager passes(&context);
      passes.enableVerifier(true);
      stage.build(passes, options);
      if (failed(passes.run(*module)))
        return diagnostics.error("stage " + stage.name + " failed");
      stopped = reached(stage.name);
    }
    return stopped;
  }

  Error import() {
    progress.stage("import");
    module = importOnnx(context, options.model);
    if (!module)
      return diagnostics.error("cannot read '" + options.model + "'");
    setTarget(*module, target);
    return checkDims(*module, options.dims);
  }

  /// Writes the schedule, and what the library says about itself that only the ops of its weights tell.
  Error plan() {
    progress.stage("plan");
    if (failed(plan::planProgram(*module, program)))
      return diagnostics.error("cannot plan the schedule");
    auto writer = weightWriter(program.weights);
    if (!writer)
      return diagnostics.error(llvm::toString(writer.takeError()));
    weights = std::move(*writer);
    std::vector<std::string> notes = graph::notes(*module);
    for (const std::string &note : notes)
      progress.note(note);
    if (!notes.empty())
      program.writer.meta("notes", llvm::join(notes, "\n"));
    program.writer.meta("weights", describeWeights(program.weights));
    program.writer.meta("parameters", std::to_string(countParameters(program.weights)));
    program.weights.clear(); // their ops go now
    return Error::success();
  }

  void keepKernels() {
    for (Operation &op : llvm::make_early_inc_range(*module->getBody()))
      if (auto func = dyn_cast<func::FuncOp>(op); !func || !func->hasAttr("kern.kernel"))
        op.erase();
  }

  /// After a stage: dumps the IR where that is wanted. True: this was the last one.
  llvm::Expected<bool> reached(llvm::StringRef stage) {
    if (!options.dumpIR.empty()) {
      if (std::error_code code = llvm::sys::fs::create_directories(options.dumpIR))
        return llvm::createStringError("cannot create folder '" + options.dumpIR + "': " + code.message());
      llvm::SmallString<128> path(options.dumpIR);
      llvm::sys::path::append(path, llvm::formatv("{0}-{1}.mlir", dumped++, stage).str());
      auto print = [&](llvm::raw_ostream &os) {
        module->print(os, OpPrintingFlags());
        return Error::success();
      };
      if (Error error = writeTo(path, path, print))
        return std::move(error);
    }
    return printIfLast(stage);
  }

  bool printIfLast(llvm::StringRef stage) {
    if (options.stopAfter != stage)
      return false;
    module->print(llvm::outs(), OpPrintingFlags());
    return true;
  }

  //===--------------------------------------------------------------------===//
  // Files
  //===--------------------------------------------------------------------===//

  Error write() {
    OutputFiles files;
    if (options.emitLLVM)
      if (Error error = writeText(files, besides(options.output, ".ll"), [&](llvm::raw_ostream &os) { return printLLVM(*module, target, true, os); }))
        return error;
    if (options.emitHeader)
      if (Error error = writeText(files, besides(options.output, ".h"), [&](llvm::raw_ostream &os) {
            writeHeader(program, options, os);
            return Error::success();
          }))
        return error;
    if (options.emitLibrary || options.emitObject)
      if (Error error = writeCode(files))
        return error;
    return files.commit();
  }

  Error writeCode(OutputFiles &files) {
    auto objects = emitObjects(*module, target, workers);
    if (!objects)
      return objects.takeError();
    progress.stage("link");
    LinkInput input;
    if (weights.bytes > options.sidecarThreshold) {
      std::string path = options.output + ".weights";
      auto temporary = files.create(path);
      if (!temporary)
        return temporary.takeError();
      input.sidecar = *temporary;
      program.writer.meta("sidecar", llvm::sys::path::filename(path));
    }
    writeMetas();
    std::vector<char> block = program.writer.finish();
    for (const auto &object : *objects)
      input.objects.push_back(object->getMemBufferRef());
    input.program = block;
    input.kernels = program.kernels;
    input.runtimeObject = runtimeObject();
    input.weights = std::move(weights);
    input.workers = workers;
    input.progress = [&](uint64_t written, uint64_t total) { progress.weights(written, total); };
    auto emit = [&](const std::string &path, auto link) -> Error {
      auto temporary = files.create(path);
      if (!temporary)
        return temporary.takeError();
      if (Error error = link(input, *temporary))
        return llvm::createStringError("cannot write '" + path + "': " + llvm::toString(std::move(error)));
      return Error::success();
    };
    if (options.emitObject)
      if (Error error = emit(besides(options.output, ".o"), linkObject))
        return error;
    if (options.emitLibrary)
      return emit(options.output, linkLibrary);
    return Error::success();
  }

  void writeMetas() {
    plan::ProgramWriter &writer = program.writer;
    writer.meta("isa", target.cpu);
    writer.meta("features", requiredFeatures(target.features));
    writer.meta("source", llvm::sys::path::filename(options.model));
    writer.meta("linear-macs", std::to_string(program.linearMacs));
    writer.meta("head-macs", std::to_string(program.headMacs));
    writer.meta("weights-read", std::to_string(program.weightsRead));
    if (options.keepPastOutputs)
      writer.meta("keep-past-outputs", "1");
    for (const auto &[key, value] : options.metas)
      writer.meta(key, value);
  }
};

} // namespace

Error compileModel(const CompileOptions &options, Progress &progress) {
  if (Error error = checkOptions(options))
    return error;
  return Compilation(options, progress).run();
}

Error inspectModel(const CompileOptions &options, bool json, llvm::raw_ostream &os) {
  MLIRContext context;
  Diagnostics diagnostics(context, options.model);
  OwningOpRef<ModuleOp> module = importOnnx(context, options.model);
  if (!module)
    return diagnostics.error("cannot read '" + options.model + "'");
  describeModel(*module, json, os);
  return Error::success();
}

} // namespace sinter
