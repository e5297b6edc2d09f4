//===- ProgramBuilder.h - programs written by hand -------------*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// Lays out a program block as the compiler does, for tests of the runtime. Lists are appended to one buffer, 8-byte
// aligned.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_TEST_UNIT_RUNTIME_PROGRAMBUILDER_H
#define SINTER_TEST_UNIT_RUNTIME_PROGRAMBUILDER_H

#include "runtime/include/sinter.h"
#include "runtime/src/Program.h"

#include <string>
#include <vector>

namespace sinter::test {

using namespace program;

class ProgramBuilder {
public:
  Header header = {};
  std::vector<Symbol> symbols;
  std::vector<Scalar> scalars;
  std::vector<Tensor> inputs, outputs;
  std::vector<State> states;
  std::vector<Row> rows;
  std::vector<Kernel> kernels;

  ProgramBuilder() : block(sizeof(Header)) { header.sequence = kNone; }

  template <typename T> Span list(const std::vector<T> &items) {
    block.resize((block.size() + 7) / 8 * 8);
    Span span = {static_cast<uint32_t>(block.size()), static_cast<uint32_t>(items.size())};
    const char *bytes = reinterpret_cast<const char *>(items.data());
    block.insert(block.end(), bytes, bytes + items.size() * sizeof(T));
    return span;
  }
  Span text(const std::string &value) {
    Span span = {static_cast<uint32_t>(block.size()), static_cast<uint32_t>(value.size())};
    block.insert(block.end(), value.c_str(), value.c_str() + value.size() + 1);
    return span;
  }
  uint32_t string(const std::string &value) {
    strings.push_back(text(value));
    return static_cast<uint32_t>(strings.size() - 1);
  }
  uint32_t scalar(ScalarOp op, uint32_t a = 0, uint32_t b = 0, int64_t imm = 0) {
    scalars.push_back({op, a, b, imm});
    return static_cast<uint32_t>(scalars.size() - 1);
  }
  uint32_t constant(int64_t value) { return scalar(ScalarOp::Const, 0, 0, value); }
  /// A symbol's scalar.
  uint32_t symbol(const std::string &name, SymbolKind kind, int64_t lo, int64_t hi) {
    symbols.push_back({string(name), kind, lo, hi, kNone});
    return scalar(ScalarOp::Symbol, 0, 0, static_cast<int64_t>(symbols.size() - 1));
  }
  uint32_t symbolOf(uint32_t scalar) const { return static_cast<uint32_t>(scalars[scalar].imm); }
  Tensor tensor(const std::string &name, DType type, std::vector<std::pair<uint32_t, AxisRole>> axes, uint64_t bound) {
    std::vector<Axis> records;
    for (auto [size, role] : axes)
      records.push_back({size, string(""), role});
    uint32_t label = string(name);
    return {label, type, list(records), bound};
  }
  uint32_t kernel(const std::string &name, Kernel function) {
    functions.push_back(string(name));
    kernels.push_back(function);
    return static_cast<uint32_t>(kernels.size() - 1);
  }
  Row dispatch(uint32_t kernel, uint32_t grid, const std::vector<Operand> &operands,
               const std::vector<uint32_t> &scalars, bool barrier = true, uint32_t grain = 1) {
    Span operandList = list(operands), scalarList = list(scalars);
    return {RowKind::Dispatch, DType::F32, barrier, kernel, string("/node"), grid, grain, operandList, scalarList};
  }
  Row control(RowKind kind, uint32_t function, uint32_t grid, const std::vector<Operand> &operands,
              DType type = DType::I64) {
    Span operandList = list(operands);
    return {kind, type, 1, function, string("control"), grid, 1, operandList, list(std::vector<uint32_t>())};
  }
  void meta(const std::string &key, const std::string &value) {
    uint32_t name = string(key);
    metas.push_back({name, text(value)});
  }

  /// Ends the block. The table points into this builder.
  const program::Model *finish(const sinter_api *api) {
    header.magic = kMagic, header.version = kVersion;
    header.symbols = list(symbols), header.scalars = list(scalars);
    header.inputs = list(inputs), header.outputs = list(outputs), header.states = list(states);
    header.rows = list(rows), header.functions = list(functions), header.metas = list(metas);
    header.strings = list(strings);
    header.bytes = block.size();
    memcpy(block.data(), &header, sizeof header);
    table = {kMagic, kVersion, reinterpret_cast<const Header *>(block.data()), kernels.data(), api};
    return &table;
  }
  Header &written() { return *reinterpret_cast<Header *>(block.data()); }
  std::vector<char> block;

private:
  std::vector<Span> strings;
  std::vector<uint32_t> functions;
  std::vector<Meta> metas;
  program::Model table = {};
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_RUNTIME_PROGRAMBUILDER_H
