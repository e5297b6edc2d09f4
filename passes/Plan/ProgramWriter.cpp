//===- ProgramWriter.cpp - builds the block that the runtime reads ------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "passes/Plan/ProgramWriter.h"

#include <cstring>

using namespace sinter::program;

namespace sinter::plan {

uint32_t ProgramWriter::string(llvm::StringRef text) {
  auto [it, fresh] = textNumbers.try_emplace(text, texts.size());
  if (fresh)
    texts.push_back(text.str());
  return it->second;
}

uint32_t ProgramWriter::scalar(ScalarOp op, uint32_t a, uint32_t b, int64_t imm) {
  // A value that is loaded is never the same as another.
  if (op == ScalarOp::Loaded) {
    scalars.push_back({op, a, b, imm});
    return scalars.size() - 1;
  }
  auto [it, fresh] = scalarNumbers.try_emplace({int(op), a, b, imm}, scalars.size());
  if (fresh)
    scalars.push_back({op, a, b, imm});
  return it->second;
}

Span ProgramWriter::operands(llvm::ArrayRef<Operand> list) { return operandLists.add(list); }
Span ProgramWriter::scalarList(llvm::ArrayRef<uint32_t> list) { return scalarLists.add(list); }
Span ProgramWriter::axes(llvm::ArrayRef<Axis> list) { return axisLists.add(list); }
Span ProgramWriter::extraRows(llvm::ArrayRef<Row> list) { return rowLists.add(list); }

std::vector<char> ProgramWriter::finish() {
  std::vector<char> block(sizeof(Header));
  auto align = [&] { block.resize((block.size() + 7) / 8 * 8); };
  auto append = [&](const void *data, size_t bytes) {
    size_t at = block.size();
    block.resize(at + bytes);
    if (bytes)
      memcpy(block.data() + at, data, bytes);
  };
  auto list = [&](const auto &items) {
    align();
    Span span{uint32_t(block.size()), uint32_t(items.size())};
    append(items.data(), items.size() * sizeof(items[0]));
    return span;
  };
  for (const auto &[key, value] : metas)
    string(key);
  auto placeAll = [&](auto &lists) {
    for (const auto &items : lists.lists)
      lists.offsets.push_back(list(items).offset);
  };
  placeAll(operandLists);
  placeAll(scalarLists);
  placeAll(axisLists);
  auto placeRow = [&](Row &row) {
    operandLists.place(row.operands);
    scalarLists.place(row.scalars);
  };
  for (auto &items : rowLists.lists)
    for (Row &row : items)
      placeRow(row);
  placeAll(rowLists);
  for (Row &row : rows)
    placeRow(row);
  for (auto *tensors : {&inputs, &outputs})
    for (Tensor &tensor : *tensors)
      axisLists.place(tensor.axes);
  for (State &state : states) {
    axisLists.place(state.in.axes);
    axisLists.place(state.out.axes);
    rowLists.place(state.load);
    rowLists.place(state.store);
  }
  std::vector<Span> stringSpans;
  for (const std::string &text : texts) {
    stringSpans.push_back({uint32_t(block.size()), uint32_t(text.size())});
    append(text.c_str(), text.size() + 1);
  }
  std::vector<Meta> metaRecords;
  for (const auto &[key, value] : metas) {
    metaRecords.push_back({string(key), {uint32_t(block.size()), uint32_t(value.size())}});
    append(value.c_str(), value.size() + 1);
  }
  header.magic = kMagic;
  header.version = kVersion;
  header.strings = list(stringSpans);
  header.symbols = list(symbols);
  header.scalars = list(scalars);
  header.inputs = list(inputs);
  header.outputs = list(outputs);
  header.states = list(states);
  header.rows = list(rows);
  header.functions = list(functions);
  header.metas = list(metaRecords);
  align();
  header.bytes = block.size();
  memcpy(block.data(), &header, sizeof header);
  return block;
}

} // namespace sinter::plan
