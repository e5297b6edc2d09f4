//===- Check.cpp - the caller's tensors against the program ---------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

namespace sinter::runtime {

bool tensorDims(Session &session, const Tensor &tensor, Dims &dims) {
  List<Axis> axes = session.program().axes(tensor);
  bool known = true;
  for (uint32_t i = 0; i < axes.count; ++i) {
    dims[i] = larger<int64_t>(session.values()[axes[i].size], 0);
    known &= session.walkers[0].known[axes[i].size] != 0;
  }
  return known;
}

int checkTensor(Session &session, const Tensor &tensor, const sinter_tensor &given, const char *kind) {
  const char *name = session.program().string(tensor.name);
  uint32_t type; // any number may stand there
  memcpy(&type, &given.dtype, sizeof type);
  if (type != static_cast<uint32_t>(tensor.dtype))
    return session.fail(SINTER_ERROR_TYPE, "%s '%s' is %s, expected %s", kind, name, dtypeName(type),
                        dtypeName(static_cast<uint32_t>(tensor.dtype)));
  if (given.rank != tensor.axes.count)
    return session.fail(SINTER_ERROR_SHAPE, "%s '%s' has %u axes, expected %u", kind, name, given.rank,
                        tensor.axes.count);
  uint64_t bytes = elementBytes(tensor.dtype);
  for (uint32_t i = 0; i < given.rank; ++i)
    if (given.dims[i] < 0 || __builtin_mul_overflow(bytes, static_cast<uint64_t>(given.dims[i]), &bytes))
      return session.fail(SINTER_ERROR_SHAPE, "%s '%s' axis %u is %lld, which is no possible size", kind, name, i,
                          static_cast<long long>(given.dims[i]));
  if (bytes && !given.data)
    return session.fail(SINTER_ERROR_ARGUMENT, "%s '%s' has no data", kind, name);
  if (given.bytes && given.bytes != bytes)
    return session.fail(SINTER_ERROR_BUFFER, "%s '%s' has %llu bytes of data, its sizes make %llu", kind, name,
                        static_cast<unsigned long long>(given.bytes), static_cast<unsigned long long>(bytes));
  return SINTER_OK;
}

int checkAxes(Session &session, const Tensor &tensor, const sinter_tensor &given, const char *kind) {
  const Program &program = session.program();
  List<Axis> axes = program.axes(tensor);
  for (uint32_t i = 0; i < axes.count; ++i) {
    int64_t expected = session.values()[axes[i].size];
    if (given.dims[i] == expected)
      continue;
    char reason[160] = "";
    uint32_t symbol = program.symbolOf(axes[i].size), sequence = program.header->sequence;
    if (axes[i].role == AxisRole::Total && sequence != kNone)
      snprintf(reason, sizeof reason, " (past %lld + %lld new tokens)", static_cast<long long>(length(session)),
               static_cast<long long>(session.symbols[sequence]));
    else if (symbol != kNone && session.parent->sources[symbol].input != kNone)
      snprintf(reason, sizeof reason, " as of input '%s' axis %u",
               program.string(program.inputs()[session.parent->sources[symbol].input].name),
               session.parent->sources[symbol].axis);
    return session.fail(SINTER_ERROR_SHAPE, "%s '%s' axis %u is %lld, expected %lld%s", kind,
                        program.string(tensor.name), i, static_cast<long long>(given.dims[i]),
                        static_cast<long long>(expected), reason);
  }
  return SINTER_OK;
}

int placeOutput(Session &session, const Tensor &tensor, const Dims &dims, sinter_tensor &out, Memory &memory) {
  uint64_t bytes = tensorBytes(tensor.dtype, tensor.axes.count, dims.size);
  const char *name = session.program().string(tensor.name);
  if (out.data == memory.data) // from the call before, not the caller's own
    out.data = nullptr;
  if (out.data && out.bytes < bytes)
    return session.fail(SINTER_ERROR_BUFFER, "output '%s' needs %llu bytes, its buffer has %llu", name,
                        static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(out.bytes));
  if (!out.data) {
    if (!reserve(session.allocator, memory, bytes))
      return session.fail(SINTER_ERROR_MEMORY, "no memory for output '%s' of %llu bytes", name,
                          static_cast<unsigned long long>(bytes));
    out.data = memory.data;
  }
  out.name = name;
  out.dtype = static_cast<sinter_dtype>(tensor.dtype);
  out.rank = tensor.axes.count;
  memcpy(out.dims, dims.size, sizeof out.dims);
  out.bytes = bytes;
  return SINTER_OK;
}

} // namespace sinter::runtime
