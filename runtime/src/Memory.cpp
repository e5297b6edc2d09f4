//===- Memory.cpp - memory, messages and names ----------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Runtime.h"

#include <stdarg.h>
#include <sys/mman.h>

namespace sinter::runtime {

int fail(char *why, int status, const char *format, ...) {
  if (!why)
    return status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why, SINTER_MESSAGE_BYTES, format, arguments);
  va_end(arguments);
  return status;
}

int Session::fail(int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return status;
}

const char *dtypeName(uint32_t type) {
  static const char *const names[] = {"f32", "f16", "bf16", "f64", "i8",  "u8",  "i16",
                                      "u16", "i32", "u32",  "i64", "u64", "bool"};
  return type < sizeof names / sizeof *names ? names[type] : "no known type";
}

Memory allocate(const sinter_allocator &allocator, uint64_t bytes) {
  uint64_t alignment = bytes >= kHugePage ? kHugePage : kAlign;
  uint64_t rounded = alignUp(larger<uint64_t>(bytes, 1), kAlign);
  if (rounded < bytes)
    return {};
  if (allocator.allocate) {
    char *data = static_cast<char *>(allocator.allocate(allocator.user, rounded, alignment));
    if (data)
      memset(data, 0, rounded);
    return {data, rounded, 0};
  }
  // A mapping is zero without being touched, so memory that a session never reaches costs nothing.
  uint64_t slack = bytes >= kHugePage ? kHugePage : 0;
  uint64_t reserved = alignUp(rounded, 4096) + slack;
  if (reserved < bytes)
    return {};
  void *mapping = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED)
    return {};
  char *start = static_cast<char *>(mapping);
  if (!slack)
    return {start, rounded, reserved};
  char *data = reinterpret_cast<char *>(alignUp(reinterpret_cast<uint64_t>(start), kHugePage));
  uint64_t usable = alignUp(rounded, 4096);
  if (data > start)
    munmap(start, static_cast<uint64_t>(data - start));
  char *end = start + reserved;
  if (end > data + usable)
    munmap(data + usable, static_cast<uint64_t>(end - data) - usable);
  madvise(data, usable, MADV_HUGEPAGE);
  return {data, rounded, usable};
}

void release(const sinter_allocator &allocator, Memory &memory) {
  if (!memory.data)
    return;
  if (memory.reserved)
    munmap(memory.data, memory.reserved);
  else if (allocator.release)
    allocator.release(allocator.user, memory.data, memory.bytes);
  memory = {};
}

bool reserve(const sinter_allocator &allocator, Memory &memory, uint64_t bytes) {
  if (memory.data && memory.bytes >= bytes)
    return true;
  release(allocator, memory);
  memory = allocate(allocator, bytes);
  return memory.data;
}

} // namespace sinter::runtime
