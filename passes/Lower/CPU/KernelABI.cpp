//===- KernelABI.cpp - the signature that the runtime calls ---------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Kern/Kern.h"
#include "passes/Lower/CPU/Passes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace sinter::lower {
#define GEN_PASS_DEF_KERNELABI
#include "passes/Lower/CPU/Passes.h.inc"

namespace {

constexpr StringLiteral kKernel = "kern.kernel";
constexpr StringLiteral kReadonly = "kern.readonly";

/// A stand-in for the size of a flat operand, which no kernel asks for.
constexpr int64_t kFlatSize = int64_t(1) << 40;

bool isFlat(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return memref && memref.getRank() == 1 && memref.getLayout().isIdentity() && memref.getMemorySpaceAsInt() == 0;
}

/// Operands first, then scalars, then begin, end and scratch.
LogicalResult checkSignature(func::FuncOp kernel, unsigned &numOperands) {
  ArrayRef<Type> types = kernel.getArgumentTypes();
  if (kernel.isExternal())
    return kernel.emitOpError("is a kernel without a body");
  if (kernel.getNumResults() != 0)
    return kernel.emitOpError("is a kernel and must not have results");
  if (types.size() < 3 || !types[types.size() - 3].isIndex() || !types[types.size() - 2].isIndex() ||
      !isFlat(types.back()) || !cast<MemRefType>(types.back()).getElementType().isInteger(8))
    return kernel.emitOpError(
        "is a kernel and must end with arguments (index, index, memref<?xi8>): begin, end and scratch");
  ArrayRef<Type> tables = types.drop_back(3);
  numOperands = 0;
  while (numOperands < tables.size() && isFlat(tables[numOperands]))
    ++numOperands;
  for (unsigned i = numOperands; i < tables.size(); ++i)
    if (!tables[i].isIndex())
      return kernel.emitOpError("has argument #")
             << i << " of type " << tables[i] << ", but a kernel takes flat memrefs and then index scalars";
  return success();
}

/// The flat memref at `pointer`.
Value buildDescriptor(ImplicitLocOpBuilder &b, Value pointer, MemRefType type) {
  auto i64 = b.getI64Type();
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  auto one = LLVM::LLVMArrayType::get(i64, 1);
  auto structType = LLVM::LLVMStructType::getLiteral(b.getContext(), {ptr, ptr, i64, one, one});
  auto constant = [&](int64_t value) { return LLVM::ConstantOp::create(b, i64, b.getI64IntegerAttr(value)); };
  Value d = LLVM::PoisonOp::create(b, structType);
  d = LLVM::InsertValueOp::create(b, d, pointer, ArrayRef<int64_t>{0});
  d = LLVM::InsertValueOp::create(b, d, pointer, ArrayRef<int64_t>{1});
  d = LLVM::InsertValueOp::create(b, d, constant(0), ArrayRef<int64_t>{2});
  d = LLVM::InsertValueOp::create(b, d, constant(kFlatSize), ArrayRef<int64_t>{3, 0});
  d = LLVM::InsertValueOp::create(b, d, constant(1), ArrayRef<int64_t>{4, 0});
  return UnrealizedConversionCastOp::create(b, type, d).getResult(0);
}

/// The kernel itself becomes the work: memrefs become pointers, described again at the entry.
void rewriteWork(func::FuncOp work) {
  MLIRContext *context = work.getContext();
  Block &entry = work.getBody().front();
  auto b = ImplicitLocOpBuilder::atBlockBegin(work.getLoc(), &entry);
  auto ptr = LLVM::LLVMPointerType::get(context);
  unsigned last = entry.getNumArguments() - 1;
  for (BlockArgument arg : entry.getArguments()) {
    auto type = dyn_cast<MemRefType>(arg.getType());
    if (!type)
      continue;
    unsigned i = arg.getArgNumber();
    arg.setType(ptr);
    Value memref = buildDescriptor(b, arg, type);
    arg.replaceUsesWithIf(memref, [&](OpOperand &use) { return !isa<LLVM::InsertValueOp>(use.getOwner()); });
    bool readonly = work.getArgAttr(i, kReadonly) != nullptr;
    work.removeArgAttr(i, kReadonly);
    if (readonly)
      work.setArgAttr(i, LLVM::LLVMDialect::getReadonlyAttrName(), b.getUnitAttr());
    if (readonly || i == last)
      work.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
    work.setArgAttr(i, LLVM::LLVMDialect::getNoUndefAttrName(), b.getUnitAttr());
  }
  work.setType(FunctionType::get(context, entry.getArgumentTypes(), {}));
}

/// The entry: reads both tables and calls the work.
void buildEntry(OpBuilder &builder, func::FuncOp work, StringRef name, unsigned numOperands) {
  ImplicitLocOpBuilder b(work.getLoc(), builder);
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  Type i64 = b.getI64Type(), index = b.getIndexType();
  auto entry = func::FuncOp::create(b, name, FunctionType::get(b.getContext(), {ptr, ptr, i64, i64, ptr}, {}));
  entry->setAttr(kKernel, b.getUnitAttr());
  for (unsigned table : {0, 1}) {
    entry.setArgAttr(table, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
    entry.setArgAttr(table, LLVM::LLVMDialect::getReadonlyAttrName(), b.getUnitAttr());
  }
  entry.setArgAttr(4, LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(64));
  Block *block = entry.addEntryBlock();
  b.setInsertionPointToStart(block);
  auto load = [&](unsigned table, Type type, unsigned i) -> Value {
    Value address = LLVM::GEPOp::create(b, ptr, type, block->getArgument(table), ArrayRef<LLVM::GEPArg>{int32_t(i)});
    auto loaded = LLVM::LoadOp::create(b, type, address, /*alignment=*/8);
    loaded.setInvariant(true); // nobody writes the tables while a kernel runs
    return loaded;
  };
  auto toIndex = [&](Value value) -> Value { return arith::IndexCastOp::create(b, index, value); };
  SmallVector<Value> args;
  unsigned numTables = work.getNumArguments() - 3;
  for (unsigned i = 0; i < numOperands; ++i)
    args.push_back(load(0, ptr, i));
  for (unsigned i = numOperands; i < numTables; ++i)
    args.push_back(toIndex(load(1, i64, i - numOperands)));
  args.append({toIndex(block->getArgument(2)), toIndex(block->getArgument(3)), block->getArgument(4)});
  func::CallOp::create(b, work, args);
  func::ReturnOp::create(b);
}

struct KernelABI : impl::KernelABIBase<KernelABI> {
  void runOnOperation() override {
    for (auto kernel : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (!kernel->hasAttr(kKernel))
        continue;
      unsigned numOperands;
      if (failed(checkSignature(kernel, numOperands)))
        return signalPassFailure();
      std::string name = kernel.getName().str();
      OpBuilder builder(kernel);
      kernel->removeAttr(kKernel);
      if (Operation *other = SymbolTable::lookupSymbolIn(getOperation(), name + ".work")) {
        other->emitOpError("has the name of the work of kernel @") << name;
        return signalPassFailure();
      }
      kernel.setName(name + ".work");
      kernel.setPrivate();
      rewriteWork(kernel);
      kernel->setAttr("llvm.linkage", LLVM::LinkageAttr::get(&getContext(), LLVM::Linkage::Internal));
      kernel->setAttr("passthrough", builder.getStrArrayAttr({"alwaysinline"}));
      builder.setInsertionPoint(kernel);
      buildEntry(builder, kernel, name, numOperands);
    }
  }
};

} // namespace
} // namespace sinter::lower
