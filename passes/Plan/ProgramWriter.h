//===- ProgramWriter.h - builds the block that the runtime reads -*- C++ -*-===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#ifndef SINTER_PASSES_PLAN_PROGRAMWRITER_H
#define SINTER_PASSES_PLAN_PROGRAMWRITER_H

#include "runtime/src/Program.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace sinter::plan {

/// Collects the parts of a program::Header block and lays them out. Equal strings and scalars are kept once.
class ProgramWriter {
public:
  program::Header header{};
  std::vector<program::Symbol> symbols;
  std::vector<program::Row> rows;
  std::vector<program::Tensor> inputs, outputs;
  std::vector<program::State> states;
  std::vector<uint32_t> functions; ///< strings

  uint32_t string(llvm::StringRef text);
  /// The string that `string` numbered so.
  llvm::StringRef text(uint32_t number) const { return texts[number]; }
  uint32_t scalar(program::ScalarOp op, uint32_t a = 0, uint32_t b = 0, int64_t imm = 0);
  uint32_t constant(int64_t value) { return scalar(program::ScalarOp::Const, 0, 0, value); }
  program::Span operands(llvm::ArrayRef<program::Operand> list);
  program::Span scalarList(llvm::ArrayRef<uint32_t> list);
  program::Span axes(llvm::ArrayRef<program::Axis> list);
  /// Rows that are no part of a step: a state's load and store.
  program::Span extraRows(llvm::ArrayRef<program::Row> list);
  void meta(llvm::StringRef key, llvm::StringRef value) { metas.emplace_back(key.str(), value.str()); }

  /// The finished block.
  std::vector<char> finish();

private:
  /// Lists that records refer to are placed when the block is laid out; until then a Span's offset is the list's number.
  template <typename T> struct Lists {
    std::vector<std::vector<T>> lists;
    std::vector<uint32_t> offsets;
    program::Span add(llvm::ArrayRef<T> list) {
      if (list.empty())
        return {program::kNone, 0};
      lists.emplace_back(list.begin(), list.end());
      return {uint32_t(lists.size() - 1), uint32_t(list.size())};
    }
    void place(program::Span &span) const { span.offset = span.count ? offsets[span.offset] : 0; }
  };
  Lists<program::Operand> operandLists;
  Lists<uint32_t> scalarLists;
  Lists<program::Axis> axisLists;
  Lists<program::Row> rowLists;
  std::vector<std::string> texts;
  llvm::StringMap<uint32_t> textNumbers;
  std::vector<program::Scalar> scalars;
  std::map<std::tuple<int, uint32_t, uint32_t, int64_t>, uint32_t> scalarNumbers;
  std::vector<std::pair<std::string, std::string>> metas;
};

} // namespace sinter::plan

#endif // SINTER_PASSES_PLAN_PROGRAMWRITER_H
