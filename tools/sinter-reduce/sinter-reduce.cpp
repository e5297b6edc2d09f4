//===- sinter-reduce.cpp - makes a failing IR file smaller ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//
//
// Delta debugging over operations: drop ranges of them, halving the range, then put an operand in an operation's place,
// as long as the user's script finds the file still interesting. It needs no knowledge of any dialect: a dropped value
// that is used becomes ub.poison.
//
//===----------------------------------------------------------------------===//

#include "tools/Registration.h"

#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

static constexpr llvm::StringLiteral usage = R"(usage: sinter-reduce FILE.mlir --test=SCRIPT [-o SMALLER.mlir]

Makes FILE smaller while SCRIPT, called with the name of a candidate file, exits with 0. For a crash of a pass:

  #!/bin/sh
  sinter-opt --sinter-raise "$1" 2>&1 | grep -q 'Assertion .* failed'
)";

namespace {

class Reducer {
public:
  Reducer(OwningOpRef<ModuleOp> module, std::string script) : best(std::move(module)), script(std::move(script)) {}

  /// Whether the script accepts the module; nothing is known about it when the script cannot be run.
  FailureOr<bool> isInteresting(ModuleOp module);

  /// Edits until no edit is accepted.
  LogicalResult run();

  ModuleOp get() { return *best; }

private:
  using Edit = llvm::function_ref<bool(ArrayRef<Operation *>)>;

  /// Applies the edit to a copy's operations [first, first + count) and keeps the copy if it is valid and interesting.
  FailureOr<bool> attempt(size_t first, size_t count, Edit edit);

  OwningOpRef<ModuleOp> best;
  std::string script;
};

} // namespace

/// What may be edited, parents first: neither terminators nor values that stand for dropped ones.
static SmallVector<Operation *> editableOps(ModuleOp module) {
  SmallVector<Operation *> ops;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op != module && !op->mightHaveTrait<OpTrait::IsTerminator>() && !(isa<ub::PoisonOp>(op) && !op->use_empty()))
      ops.push_back(op);
  });
  return ops;
}

static bool drop(ArrayRef<Operation *> ops) {
  // Children come after their parents in the list, so that backwards no operation is gone before its turn.
  for (Operation *op : llvm::reverse(ops)) {
    OpBuilder builder(op);
    for (Value result : op->getResults())
      if (!result.use_empty())
        result.replaceAllUsesWith(ub::PoisonOp::create(builder, op->getLoc(), result.getType()));
    op->erase();
  }
  return true;
}

static bool forwardOperand(ArrayRef<Operation *> ops) {
  Operation *op = ops.front();
  if (op->getNumResults() != 1)
    return false;
  for (Value operand : op->getOperands()) {
    if (operand.getType() != op->getResult(0).getType() || operand == op->getResult(0))
      continue;
    op->getResult(0).replaceAllUsesWith(operand);
    op->erase();
    return true;
  }
  return false;
}

FailureOr<bool> Reducer::isInteresting(ModuleOp module) {
  SmallString<128> path;
  int descriptor;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("sinter-reduce", "mlir", descriptor, path)) {
    llvm::errs() << "cannot write a temporary file: " << error.message() << "\n";
    return failure();
  }
  llvm::ToolOutputFile file(path, descriptor);
  module.print(file.os());
  file.os().flush();

  std::string error;
  std::optional<StringRef> quiet[] = {StringRef(), StringRef(), StringRef()};
  int code = llvm::sys::ExecuteAndWait(script, {script, path}, std::nullopt, quiet, 0, 0, &error);
  if (code < 0) {
    llvm::errs() << "cannot run " << script << ": " << error << "\n";
    return failure();
  }
  return code == 0;
}

FailureOr<bool> Reducer::attempt(size_t first, size_t count, Edit edit) {
  OwningOpRef<ModuleOp> copy = best->clone();
  SmallVector<Operation *> ops = editableOps(*copy);
  if (!edit(ArrayRef(ops).slice(first, count)))
    return false;
  ScopedDiagnosticHandler ignore(copy->getContext(), [](Diagnostic &) {});
  if (failed(verify(*copy)))
    return false;
  FailureOr<bool> interesting = isInteresting(*copy);
  if (succeeded(interesting) && *interesting)
    best = std::move(copy);
  return interesting;
}

LogicalResult Reducer::run() {
  // One pass over the operations in steps of `count`; an accepted edit moves the following ones to its place.
  auto sweep = [&](size_t count, Edit edit, bool &changed) -> LogicalResult {
    for (size_t first = 0;;) {
      size_t total = editableOps(*best).size();
      if (first >= total)
        return success();
      FailureOr<bool> accepted = attempt(first, std::min(count, total - first), edit);
      if (failed(accepted))
        return failure();
      if (*accepted)
        changed = true;
      else
        first += count;
    }
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t count = editableOps(*best).size(); count > 0; count /= 2)
      if (failed(sweep(count, drop, changed)))
        return failure();
    if (failed(sweep(1, forwardOperand, changed)))
      return failure();
  }
  return success();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  std::string input, output = "-", script;
  bool valid = true;
  for (int i = 1; i < argc; ++i) {
    StringRef argument = argv[i];
    if (argument == "--help") {
      llvm::outs() << usage;
      return 0;
    }
    if (argument.consume_front("--test="))
      script = argument;
    else if (argument == "-o" && i + 1 < argc)
      output = argv[++i];
    else if (!argument.starts_with("-") && input.empty())
      input = argument;
    else
      valid = false;
  }
  if (!valid || input.empty() || script.empty()) {
    llvm::errs() << usage;
    return 2;
  }

  DialectRegistry registry;
  sinter::registerDialects(registry);
  MLIRContext context(registry);
  context.loadDialect<ub::UBDialect>();
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(input, &context);
  if (!module)
    return 1;
  llvm::ErrorOr<std::string> program = llvm::sys::findProgramByName(script, {".", ""});
  Reducer reducer(std::move(module), program ? *program : script);
  FailureOr<bool> interesting = reducer.isInteresting(reducer.get());
  if (failed(interesting))
    return 1;
  if (!*interesting) {
    llvm::errs() << script << " does not find " << input << " interesting (it must exit with 0)\n";
    return 1;
  }
  if (failed(reducer.run()))
    return 1;
  std::string error;
  std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &error);
  if (!file) {
    llvm::errs() << error << "\n";
    return 1;
  }
  reducer.get().print(file->os());
  file->keep();
  return 0;
}
