//===- Verify.cpp - checks a program once, at open ------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// A program comes from our own compiler, but through a file. After this check no reference leads out of the block, and
// walking needs no checks.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

namespace sinter::runtime {
namespace {

constexpr uint32_t kMaxNesting = 16;

struct Verifier {
  const Program &program;
  char *why;
  Extents &extents;

  bool bad(const char *what, uint64_t index) const {
    fail(why, SINTER_ERROR_CORRUPT, "the model is damaged: %s %llu of its program is wrong", what,
         static_cast<unsigned long long>(index));
    return false;
  }
  bool inside(Span span, uint64_t size, uint64_t alignment) const {
    return span.offset % alignment == 0 && span.offset + span.count * size <= program.header->bytes;
  }
  template <typename T> bool inside(Span span) const { return inside(span, sizeof(T), alignof(T)); }

  /// Bytes and the zero after them.
  bool text(Span span) const {
    uint64_t end = static_cast<uint64_t>(span.offset) + span.count;
    return end < program.header->bytes && reinterpret_cast<const char *>(program.header)[end] == 0;
  }
  bool string(uint32_t index) const { return index < program.header->strings.count; }
  bool scalar(uint32_t index) const { return index < program.header->scalars.count; }
  bool symbol(uint32_t index) const { return index < program.header->symbols.count; }
  bool loaded(uint32_t index) const { return scalar(index) && program.scalars()[index].op == ScalarOp::Loaded; }

  bool lists() const;
  bool scalars() const;
  bool tensor(const Tensor &tensor) const;
  bool interface() const;
  bool operand(const Operand &operand, bool ofState) const;
  bool rows(Span span, bool ofState) const;
  bool nesting(List<Row> rows, uint32_t begin, uint32_t end, uint32_t depth) const;
};

bool Verifier::lists() const {
  const Header &h = *program.header;
  if (!inside<Span>(h.strings))
    return bad("list", 0);
  List<Span> strings = program.list<Span>(h.strings);
  for (uint32_t i = 0; i < strings.count; ++i)
    if (!text(strings[i]))
      return bad("string", i);
  if (!inside<Symbol>(h.symbols) || !inside<Scalar>(h.scalars) || !inside<Tensor>(h.inputs) ||
      !inside<Tensor>(h.outputs) || !inside<State>(h.states) || !inside<uint32_t>(h.functions) ||
      !inside<Meta>(h.metas))
    return bad("list", 1);
  for (uint32_t i = 0; i < h.functions.count; ++i)
    if (!string(program.list<uint32_t>(h.functions)[i]))
      return bad("function", i);
  for (uint32_t i = 0; i < h.metas.count; ++i) {
    const Meta &meta = program.list<Meta>(h.metas)[i];
    if (!string(meta.key) || !text(meta.value))
      return bad("metadata", i);
  }
  return h.sequence == kNone || symbol(h.sequence) || bad("sequence", h.sequence);
}

bool Verifier::scalars() const {
  List<Symbol> symbols = program.symbols();
  List<Scalar> all = program.scalars();
  for (uint32_t i = 0; i < all.count; ++i) {
    const Scalar &s = all[i];
    bool valid = s.op <= ScalarOp::Loaded;
    if (s.op == ScalarOp::Symbol)
      valid = s.imm >= 0 && s.imm < symbols.count;
    else if (s.op != ScalarOp::Const && s.op != ScalarOp::Loaded)
      valid = valid && s.a < i && s.b < i && (s.op != ScalarOp::Select || (s.imm >= 0 && s.imm < i));
    if (!valid)
      return bad("scalar", i);
  }
  for (uint32_t i = 0; i < symbols.count; ++i)
    if (!string(symbols[i].name) || symbols[i].kind > SymbolKind::First || symbols[i].lo > symbols[i].hi ||
        (symbols[i].kind == SymbolKind::Past && (!scalar(symbols[i].after) || symbols[i].lo < 0)))
      return bad("symbol", i);
  return true;
}

bool Verifier::tensor(const Tensor &tensor) const {
  if (!string(tensor.name) || tensor.dtype > DType::Bool || !inside<Axis>(tensor.axes) ||
      tensor.axes.count > SINTER_MAX_RANK)
    return false;
  for (const Axis &axis : program.axes(tensor))
    if (!scalar(axis.size) || !string(axis.label) || axis.role > AxisRole::Past)
      return false;
  return true;
}

bool Verifier::interface() const {
  List<Tensor> inputs = program.inputs(), outputs = program.outputs();
  for (uint32_t i = 0; i < inputs.count; ++i)
    if (!tensor(inputs[i]))
      return bad("input", i);
  for (uint32_t i = 0; i < outputs.count; ++i)
    if (!tensor(outputs[i]))
      return bad("output", i);
  List<State> states = program.states();
  for (uint32_t i = 0; i < states.count; ++i) {
    const State &s = states[i];
    if (s.kind > StateKind::Tensor || !tensor(s.in) || !tensor(s.out) || !string(s.layout) ||
        (s.kind == StateKind::Cache && (!symbol(s.past) || program.symbols()[s.past].kind != SymbolKind::Past)) ||
        !rows(s.load, true) || !rows(s.store, true))
      return bad("state", i);
  }
  return true;
}

bool Verifier::operand(const Operand &operand, bool ofState) const {
  const Header &h = *program.header;
  if (operand.offsetScalar != kNone && !scalar(operand.offsetScalar))
    return false;
  switch (operand.space) {
  case Space::Arena:
    return operand.offset <= h.arenaBytes;
  case Space::Weights:
    return operand.offset <= h.weightBytes;
  case Space::Input:
    return operand.index < (ofState ? 1 : h.inputs.count);
  case Space::Output:
    return operand.index < (ofState ? 1 : h.outputs.count);
  case Space::State:
    return operand.index < h.states.count && operand.offset <= program.states()[operand.index].bytes;
  }
  return false;
}

/// If and Loop take rows that lie inside what encloses them.
bool Verifier::nesting(List<Row> rows, uint32_t begin, uint32_t end, uint32_t depth) const {
  if (depth > kMaxNesting)
    return false;
  for (uint32_t i = begin; i < end; ++i) {
    RowKind kind = rows[i].kind;
    if (kind != RowKind::If && kind != RowKind::Loop)
      continue;
    if (rows[i].function > end - i - 1 || !nesting(rows, i + 1, i + 1 + rows[i].function, depth + 1))
      return false;
    i += rows[i].function;
  }
  return true;
}

bool Verifier::rows(Span span, bool ofState) const {
  if (!inside<Row>(span))
    return bad("list", 2);
  List<Row> all = program.list<Row>(span);
  for (uint32_t i = 0; i < all.count; ++i) {
    const Row &row = all[i];
    if (row.kind > RowKind::Loop || !string(row.name) || !inside<Operand>(row.operands) ||
        !inside<uint32_t>(row.scalars))
      return bad("row", i);
    bool loop = row.kind == RowKind::Loop, load = row.kind == RowKind::LoadScalar;
    List<Operand> operands = program.list<Operand>(row.operands);
    if ((loop || load) && operands.count != 1)
      return bad("row", i);
    if (loop && !loaded(operands[0].index))
      return bad("row", i);
    if (!loop)
      for (const Operand &o : operands)
        if (!operand(o, ofState))
          return bad("row", i);
    for (uint32_t s : program.list<uint32_t>(row.scalars))
      if (!scalar(s))
        return bad("row", i);
    bool valid = true;
    switch (row.kind) {
    case RowKind::Dispatch:
      valid = row.function < program.header->functions.count && scalar(row.grid);
      break;
    case RowKind::LoadScalar:
      valid = loaded(row.function) && row.dtype <= DType::Bool && row.dtype >= DType::I8;
      break;
    case RowKind::If:
    case RowKind::Loop:
      valid = scalar(row.grid);
      break;
    }
    if (!valid)
      return bad("row", i);
    extents.operands = larger(extents.operands, operands.count);
    extents.scalars = larger(extents.scalars, row.scalars.count);
  }
  return nesting(all, 0, all.count, 0) || bad("list", 3);
}

} // namespace

bool verifyProgram(const Program &program, Extents &extents, char *why) {
  extents = {};
  const Header *h = program.header;
  if (!h || reinterpret_cast<uint64_t>(h) % alignof(Header) != 0 || h->magic != kMagic || h->bytes < sizeof(Header)) {
    fail(why, SINTER_ERROR_CORRUPT, "the model is damaged: its program is missing");
    return false;
  }
  Verifier verifier{program, why, extents};
  return verifier.lists() && verifier.scalars() && verifier.interface() && verifier.rows(h->rows, false);
}

} // namespace sinter::runtime
