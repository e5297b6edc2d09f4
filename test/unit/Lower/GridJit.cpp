//===- GridJit.cpp - kernels run over all their items ---------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "test/unit/Lower/GridJit.h"

#include "dialects/Kern/Kern.h"

#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::test;

/// Bytes after the scratch that no kernel may touch.
constexpr int64_t kGuard = 256;

std::vector<std::string> sinter::test::targets() { return {"native", "x86-64-v3"}; }

/// Adds NAME.grid, a kernel that writes the number of items to its scratch, for each kernel with a kern op.
static void addGrids(ModuleOp module, int64_t &scratchBytes) {
  SmallVector<func::FuncOp> kernels = llvm::to_vector(module.getOps<func::FuncOp>());
  for (func::FuncOp kernel : kernels) {
    func::FuncOp copy = kernel.clone();
    copy.setName((kernel.getName() + ".grid").str());
    module.push_back(copy);
    copy.walk([&](kern::KernelOpInterface op) {
      scratchBytes = std::max(scratchBytes, op.getScratchBytes());
      EXPECT_GE(op.getGrain(), 1);
      OpBuilder builder(op);
      Location loc = op.getLoc();
      Value grid = op.buildGrid(builder);
      grid = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), grid);
      Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
      Value scratch = copy.getArguments().back();
      Value view =
          memref::ViewOp::create(builder, loc, MemRefType::get({1}, builder.getI64Type()), scratch, zero, ValueRange());
      memref::StoreOp::create(builder, loc, grid, view, zero);
      op->erase();
    });
  }
}

std::unique_ptr<GridJit> GridJit::compile(llvm::StringRef source, llvm::StringRef mcpu) {
  std::unique_ptr<MLIRContext> context = makeContext();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(source, context.get());
  if (!module) {
    ADD_FAILURE() << "cannot parse";
    return nullptr;
  }
  int64_t scratchBytes = 0;
  addGrids(*module, scratchBytes);
  std::string text;
  llvm::raw_string_ostream(text) << *module;
  std::unique_ptr<KernelJit> jit = KernelJit::compile(*context, text, mcpu);
  if (!jit) {
    ADD_FAILURE() << "cannot compile";
    return nullptr;
  }
  return std::unique_ptr<GridJit>(new GridJit(std::move(jit), scratchBytes));
}

GridJit::GridJit(std::unique_ptr<KernelJit> jit, int64_t scratchBytes)
    : jit(std::move(jit)), scratchBytes(scratchBytes) {
  storage = std::make_unique<char[]>(scratchBytes + 64 + 64 + kGuard);
  scratch = reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(storage.get()) + 63) / 64 * 64);
}

GridJit::~GridJit() = default;

void GridJit::call(const std::string &name, const std::vector<void *> &operands, const std::vector<int64_t> &scalars,
                   int64_t begin, int64_t end) {
  if (program::Kernel kernel = jit->get(name))
    kernel(reinterpret_cast<char *const *>(operands.data()), scalars.data(), begin, end, scratch);
  else
    ADD_FAILURE() << "no kernel " << name;
}

int64_t GridJit::grid(llvm::StringRef kernel, const std::vector<void *> &operands,
                      const std::vector<int64_t> &scalars) {
  call((kernel + ".grid").str(), operands, scalars, 0, 0);
  return *reinterpret_cast<int64_t *>(scratch);
}

void GridJit::run(llvm::StringRef kernel, const std::vector<void *> &operands, const std::vector<int64_t> &scalars,
                  int parts) {
  int64_t items = grid(kernel, operands, scalars);
  // Stale scratch must not matter; NaN shows where it does.
  std::fill(scratch, scratch + scratchBytes, char(0xff));
  std::fill(scratch + scratchBytes, scratch + scratchBytes + kGuard, char(0x5a));
  for (int part = 0; part < parts; ++part)
    call(kernel.str(), operands, scalars, items * part / parts, items * (part + 1) / parts);
  for (int64_t i = 0; i < kGuard; ++i)
    ASSERT_EQ(scratch[scratchBytes + i], char(0x5a)) << "written past the scratch of " << scratchBytes << " bytes";
}
