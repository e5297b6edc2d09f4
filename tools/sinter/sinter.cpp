//===- sinter.cpp - the program -----------------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Exit codes: 0, 1 for an error, 2 for a wrong command line.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Commands.h"
#include "tools/sinter/Options.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>

using namespace llvm;
using namespace sinter::tools;

namespace {
struct Subcommand {
  StringLiteral name, summary;
  Error (*run)(ArrayRef<StringRef>);
};
} // namespace

static constexpr Subcommand subcommands[] = {
    {"compile", "make a shared library of an ONNX model", compileCommand},
    {"run", "generate text, or run on arrays", runCommand},
    {"bench", "measure speed, and how much of the machine's it is", benchCommand},
    {"inspect", "say what is in a model", inspectCommand},
    {"verify", "compare a library with onnxruntime", verifyCommand},
};

static void printHelp(raw_ostream &os) {
  os << "sinter: compiles transformers in ONNX files to shared libraries, and runs them\n\nUsage: sinter COMMAND "
        "[arguments]\n\n"
        "Commands:\n";
  for (const Subcommand &subcommand : subcommands)
    os << "  " << left_justify(subcommand.name, 10) << subcommand.summary << '\n';
  os << "\nFrom a model to text in two commands:\n"
        "  sinter compile model.onnx -o model.so --weights=int4\n"
        "  sinter run model.so --prompt \"Once upon a time\"\n"
        "\n'sinter COMMAND --help' has the options and more examples; --version prints the version.\n";
}

static Error dispatch(ArrayRef<StringRef> arguments) {
  StringRef name = arguments.empty() ? "" : arguments[0];
  if (name == "help" && arguments.size() > 1) // of one command
    return dispatch({arguments[1], "--help"});
  if (name == "--help" || name == "-h" || name == "help") {
    printHelp(outs());
    return Error::success();
  }
  if (name == "--version") {
    outs() << "sinter " SINTER_VERSION "\n";
    return Error::success();
  }
  if (name.empty())
    return make_error<UsageError>("no command is given (see 'sinter --help')");
  for (const Subcommand &subcommand : subcommands)
    if (subcommand.name == name)
      return subcommand.run(arguments.drop_front());
  SmallVector<StringRef> names;
  for (const Subcommand &subcommand : subcommands)
    names.push_back(subcommand.name);
  StringRef suggestion = nearest(name, names);
  if (suggestion.empty())
    return make_error<UsageError>("unknown command '" + name + "' (see 'sinter --help')");
  return make_error<UsageError>("unknown command '" + name + "', did you mean '" + suggestion + "'?");
}

int main(int argc, char **argv) {
  // Standard streams that are closed become /dev/null: the next file to be opened would else get their text.
  sys::Process::FixupStandardFileDescriptors();
  // A reader that has seen enough, such as head, is no error of ours: it ends the program as usual, but for the files that
  // would be left behind.
  std::signal(SIGPIPE, SIG_DFL);
  sys::SetOneShotPipeSignalFunction([] { std::raise(SIGPIPE); });
  SmallVector<StringRef> arguments(argv + 1, argv + argc);
  Error error = dispatch(arguments);
  outs().flush();
  if (std::error_code code = outs().error()) {
    outs().clear_error(); // else the stream ends the program in its own words
    if (!error)
      error = createStringError(code, "cannot write the output: " + code.message());
  }
  if (!error)
    return 0;
  int exitCode = 1;
  handleAllErrors(std::move(error), [&](const ErrorInfoBase &info) {
    if (info.convertToErrorCode() == std::errc::invalid_argument) // a flag, refused here or by the stage that reads it
      exitCode = 2;
    if (std::string message = info.message(); !message.empty()) // else it is said already
      errs() << "sinter: " << message << '\n';
  });
  return exitCode;
}
