//===- Rows.cpp - a row of the schedule for each dispatch ----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Plan/Planning.h"

using namespace mlir;

namespace sinter::plan {
namespace {

using program::Operand;
using program::Space;

/// Bytes that a row reads or writes; of a state, all of it.
struct Access {
  Space space;
  uint32_t index;
  uint64_t begin, end;
  bool write;

  /// Whether one of the two must wait for the other.
  bool conflicts(const Access &other) const {
    return space == other.space && index == other.index && (write || other.write) && begin < other.end && other.begin < end;
  }
};

/// What a dispatch reads and writes of what other dispatches write.
std::vector<Access> accesses(kern::DispatchOp dispatch, ArrayRef<Operand> operands) {
  std::vector<Access> all;
  for (auto [i, buffer, operand] : llvm::enumerate(dispatch.getBuffers(), operands)) {
    if (operand.space == Space::Weights || operand.space == Space::Input)
      continue;
    auto owner = buffer.getDefiningOp<kern::BufferOp>();
    uint64_t bytes = owner ? bufferBytes(owner) : ~uint64_t(0) / 2;
    all.push_back({operand.space, operand.index, operand.offset, operand.offset + bytes, llvm::is_contained(dispatch.getWrites(), int64_t(i))});
  }
  return all;
}

} // namespace

FailureOr<Operand> Planning::place(kern::DispatchOp dispatch, func::FuncOp kernel, Value buffer) {
  if (auto it = places.find(buffer); it != places.end())
    return it->second;
  Operation *op = buffer.getDefiningOp();
  if (auto state = dyn_cast_or_null<kern::StateOp>(op))
    return Operand{Space::State, uint32_t(state.getIndex()), program::kNone, 0};
  if (isa_and_nonnull<qt::ConstantOp, onnx::InitializerOp, onnx::ConstantOp>(op))
    return weights.place(op, kernel);
  return dispatch.emitError("internal: a buffer has no place");
}

FailureOr<program::Row> Planning::row(kern::DispatchOp dispatch, func::FuncOp kernel, ArrayRef<Operand> operands) {
  auto [it, fresh] = functions.try_emplace(dispatch.getKernel(), program.kernels.size());
  if (fresh) {
    program.kernels.push_back(dispatch.getKernel().str());
    writer.functions.push_back(writer.string(dispatch.getKernel()));
    writer.header.scratchBytes = std::max<uint64_t>(writer.header.scratchBytes, kernel->getAttrOfType<IntegerAttr>("kern.scratch").getInt());
  }
  auto grid = sizes.scalar(dispatch.getGrid());
  if (failed(grid))
    return failure();
  SmallVector<uint32_t> scalars;
  for (Value v : dispatch.getScalars()) {
    auto s = sizes.scalar(v);
    if (failed(s))
      return failure();
    scalars.push_back(*s);
  }
  auto name = dispatch->getAttrOfType<StringAttr>("name");
  program::Row row{};
  row.kind = program::RowKind::Dispatch;
  row.function = it->second;
  row.name = writer.string(name ? name.getValue() : "");
  row.grid = *grid;
  row.grain = std::clamp<int64_t>(dispatch.getGrain(), 1, 1 << 30);
  row.operands = writer.operands(operands);
  row.scalars = writer.scalarList(scalars);
  return row;
}

LogicalResult Planning::writeRows(func::FuncOp func, std::vector<program::Row> &rows) {
  std::vector<Access> open; // since the last barrier
  for (auto dispatch : func.getOps<kern::DispatchOp>()) {
    auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    weights.count(dispatch, kernel);
    SmallVector<Operand> operands;
    for (Value buffer : dispatch.getBuffers()) {
      auto operand = place(dispatch, kernel, buffer);
      if (failed(operand))
        return failure();
      operands.push_back(*operand);
    }
    auto row = this->row(dispatch, kernel, operands);
    if (failed(row))
      return failure();
    std::vector<Access> mine = accesses(dispatch, operands);
    row->barrier = llvm::any_of(mine, [&](const Access &a) { return llvm::any_of(open, [&](const Access &b) { return a.conflicts(b); }); });
    if (row->barrier)
      open.clear();
    llvm::append_range(open, mine);
    rows.push_back(*row);
  }
  return success();
}

} // namespace sinter::plan
