//===- Forward.cpp - a decoder's inputs from its tokens -------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

namespace sinter::runtime {
namespace {

/// What an input of a decoder is, by its name and its axes.
enum class Meaning { Tokens, Positions, TokenTypes, Mask, Other };

} // namespace

static bool hasRole(const Program &program, const Tensor &tensor, AxisRole role) {
  for (const Axis &axis : program.axes(tensor))
    if (axis.role == role)
      return true;
  return false;
}

static Meaning meaningOf(const Program &program, const Tensor &tensor) {
  const char *name = program.string(tensor.name);
  bool integer = tensor.dtype == DType::I64 || tensor.dtype == DType::I32;
  bool sequence = hasRole(program, tensor, AxisRole::Sequence);
  if (integer && sequence && strstr(name, "position"))
    return Meaning::Positions;
  if (integer && sequence && (strstr(name, "token_type") || strstr(name, "segment")))
    return Meaning::TokenTypes;
  if ((integer || tensor.dtype == DType::Bool) && tensor.axes.count == 2 &&
      (strstr(name, "mask") || hasRole(program, tensor, AxisRole::Total)))
    return Meaning::Mask;
  return integer && sequence ? Meaning::Tokens : Meaning::Other;
}

static void putInteger(char *to, DType type, int64_t value) { memcpy(to, &value, elementBytes(type)); }

/// Makes up one input for `count` new tokens at `data`.
static void fill(Session &session, const Tensor &tensor, const sinter_tensor &made, const int64_t *tokens,
                 int64_t count) {
  Meaning meaning = meaningOf(session.program(), tensor);
  uint32_t size = elementBytes(tensor.dtype);
  char *data = static_cast<char *>(made.data);
  int64_t past = length(session);
  for (uint64_t i = 0; i < made.bytes / size; ++i) {
    int64_t column = static_cast<int64_t>(i) % (count ? count : 1);
    int64_t value = meaning == Meaning::Tokens      ? tokens[column]
                    : meaning == Meaning::Positions ? past + column
                    : meaning == Meaning::Mask      ? 1
                                                    : 0;
    putInteger(data + i * size, tensor.dtype, value);
  }
}

/// Sizes of a made-up input: of its sequence and total axes by the tokens, of others the least they can be.
static void shape(Session &session, uint32_t number, int64_t count, sinter_tensor &made) {
  const sinter_tensor_info &info = session.parent->details.inputs[number];
  made = {info.name, info.dtype, info.rank, {}, nullptr, 0};
  for (uint32_t i = 0; i < info.rank; ++i) {
    switch (info.axes[i].role) {
    case SINTER_AXIS_SEQUENCE:
      made.dims[i] = count;
      break;
    case SINTER_AXIS_TOTAL:
      made.dims[i] = length(session) + count;
      break;
    case SINTER_AXIS_PAST:
      made.dims[i] = length(session);
      break;
    default:
      made.dims[i] = larger<int64_t>(info.axes[i].lo, 1);
    }
  }
  made.bytes = tensorBytes(static_cast<DType>(info.dtype), info.rank, made.dims);
}

static float halfToFloat(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
  if (exponent == 0) { // zero or subnormal: fraction * 2^-24
    float value = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -value : value;
  }
  uint32_t bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// The output that is the logits: the one of this name, else the first of floats with a row for every token.
static uint32_t findLogits(const Program &program) {
  List<Tensor> outputs = program.outputs();
  uint32_t found = kNone;
  for (uint32_t i = 0; i < outputs.count; ++i) {
    const Tensor &tensor = outputs[i];
    if (tensor.dtype > DType::BF16 || tensor.axes.count < 2)
      continue;
    if (!strcmp(program.string(tensor.name), "logits"))
      return i;
    if (found == kNone && hasRole(program, tensor, AxisRole::Sequence))
      found = i;
  }
  return found;
}

/// The session's inputs, from the caller's extra ones and made-up ones.
static int makeInputs(Session &session, const int64_t *tokens, int64_t count, const sinter_tensor *extra,
                      size_t extraCount) {
  const Program &program = session.program();
  List<Tensor> inputs = program.inputs();
  uint64_t bytes = 0;
  bool taken = false;
  for (uint32_t i = 0; i < inputs.count; ++i) {
    const char *name = program.string(inputs[i].name);
    sinter_tensor &made = session.made[i];
    const sinter_tensor *own = nullptr;
    for (size_t k = 0; k < extraCount; ++k)
      if (extra[k].name && !strcmp(extra[k].name, name))
        own = &extra[k];
    if (own) {
      if (int status = checkTensor(session, inputs[i], *own, "input")) // above all that it has data: none are made for it
        return status;
      made = *own;
      continue;
    }
    Meaning meaning = meaningOf(program, inputs[i]);
    if (meaning == Meaning::Other || (meaning == Meaning::Tokens && taken))
      return session.fail(SINTER_ERROR_MISSING, "input '%s' is missing: it does not follow from the tokens", name);
    taken |= meaning == Meaning::Tokens;
    shape(session, i, count, made);
    bytes += alignUp(made.bytes, 8);
  }
  if (!taken)
    return session.fail(SINTER_ERROR_ARGUMENT, "the model has no input of tokens");
  for (size_t k = 0; k < extraCount; ++k) {
    bool known = false;
    for (const Tensor &input : inputs)
      known |= extra[k].name && !strcmp(extra[k].name, program.string(input.name));
    if (!known)
      return session.fail(SINTER_ERROR_NAME, "the model has no input '%s'", extra[k].name ? extra[k].name : "");
  }
  if (!reserve(session.allocator, session.tokens, bytes))
    return session.fail(SINTER_ERROR_MEMORY, "no memory for %lld tokens", static_cast<long long>(count));
  char *data = session.tokens.data;
  for (uint32_t i = 0; i < inputs.count; ++i) {
    sinter_tensor &made = session.made[i];
    if (made.data || !made.bytes)
      continue;
    made.data = data;
    data += alignUp(made.bytes, 8);
    fill(session, inputs[i], made, tokens, count);
  }
  return SINTER_OK;
}

int forward(Session &session, const int64_t *tokens, size_t count, const sinter_tensor *extra, size_t extraCount,
            const float **logits, size_t *vocabulary) {
  const Program &program = session.program();
  session.message[0] = 0;
  if (!tokens || !count || !logits || !vocabulary || (extraCount && !extra) || count > INT32_MAX)
    return session.fail(SINTER_ERROR_ARGUMENT, "a forward pass needs at least one token and a place for the logits");
  uint32_t number = findLogits(program);
  if (number == kNone)
    return session.fail(SINTER_ERROR_ARGUMENT, "the model has no output of logits");
  if (int status = makeInputs(session, tokens, static_cast<int64_t>(count), extra, extraCount))
    return status;
  sinter_tensor out = {program.string(program.outputs()[number].name), {}, 0, {}, nullptr, 0};
  if (int status = run(session, session.made, program.inputs().count, &out, 1, SINTER_LAST_ROW))
    return status;

  DType dtype = program.outputs()[number].dtype;
  uint64_t columns = static_cast<uint64_t>(out.dims[out.rank - 1]);
  if (out.bytes != columns * elementBytes(dtype))
    return session.fail(SINTER_ERROR_SHAPE, "the logits are of more than one sequence: use sinter_run");
  *vocabulary = columns;
  if (dtype == DType::F32) {
    *logits = static_cast<const float *>(out.data);
    return SINTER_OK;
  }
  if (!reserve(session.allocator, session.logits, columns * sizeof(float)))
    return session.fail(SINTER_ERROR_MEMORY, "no memory for the logits");
  float *floats = reinterpret_cast<float *>(session.logits.data);
  const uint16_t *halves = static_cast<const uint16_t *>(out.data);
  for (uint64_t i = 0; i < columns; ++i) {
    uint32_t bits = static_cast<uint32_t>(halves[i]) << 16;
    if (dtype == DType::F16)
      floats[i] = halfToFloat(halves[i]);
    else
      memcpy(&floats[i], &bits, sizeof bits);
  }
  *logits = floats;
  return SINTER_OK;
}

} // namespace sinter::runtime
