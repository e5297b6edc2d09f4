//===- VerifyCommand.cpp - sinter verify --------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// onnxruntime is a Python package here, so a Python program does the comparison and this finds the Python for it.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Commands.h"
#include "tools/sinter/Options.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace llvm;
using namespace sinter::tools;

/// The text of python/verify.py.
static constexpr char script[] = {
#include "tools/sinter/verify.inc"
    , 0};

static std::string ownPath() {
  static char anchor;
  return sys::fs::getMainExecutable("sinter", &anchor);
}

/// $SINTER_PYTHON, or the environment that tools/check.sh makes beside the program.
static Expected<std::string> findPython() {
  if (const char *named = getenv("SINTER_PYTHON")) {
    if (sys::fs::can_execute(named))
      return named;
    return createStringError("SINTER_PYTHON is '" + Twine(named) + "', which cannot be executed");
  }
  SmallString<256> python = sys::path::parent_path(sys::path::parent_path(ownPath()));
  sys::path::append(python, "venv", "bin", "python");
  if (sys::fs::can_execute(python))
    return python.str().str();
  return createStringError("verify needs a Python with numpy and onnxruntime: make one with 'python3 -m venv v && "
                           "v/bin/pip install numpy onnxruntime' "
                           "and set SINTER_PYTHON=v/bin/python");
}

Error sinter::tools::verifyCommand(ArrayRef<StringRef> arguments) {
  std::string model, library, steps;
  bool json = false;
  Command command("verify", "run an ONNX model in onnxruntime and its compiled library side by side");
  command.example(
      "sinter verify model.onnx model.so",
      "Compares all outputs on made-up inputs; for a decoder, a prompt of 16 tokens and 8 more, one at a time.");
  command.example("sinter verify model.onnx model.so --steps=case.npz",
                  "On the inputs in a file, arrays named STEP/in/NAME.");
  command.positional("MODEL.onnx", "the model", model);
  command.positional("MODEL.so", "the library that 'sinter compile' made of it", library);
  command.option("steps", "FILE.npz", "arrays named STEP/in/INPUT, as for 'sinter run'", steps);
  command.flag("json", "print JSON", json);
  Expected<bool> goOn = command.parse(arguments, outs());
  if (!goOn || !*goOn)
    return goOn.takeError();
  Expected<std::string> python = findPython();
  if (!python)
    return python.takeError();
  for (const std::string *path : {&model, &library, &steps})
    if (!path->empty() && !sys::fs::exists(*path))
      return createStringError("cannot read '" + *path + "': no such file");
  std::string self = ownPath(), why;
  SmallVector<StringRef> words = {*python, "-c", script, self, model, library, steps, json ? "json" : ""};
  outs().flush();
  int code = sys::ExecuteAndWait(*python, words, std::nullopt, {}, 0, 0, &why);
  if (code < 0 || !why.empty())
    return createStringError("cannot run '" + *python + "': " + why);
  if (code) // it has said why
    return createStringError("");
  return Error::success();
}
