//===- WeightFile.cpp - weights written in place --------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Link/WeightFile.h"
#include "runtime/src/WeightHash.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

using namespace llvm;
using namespace sinter;
using program::kHashBlock;

static Error systemError(int code, const Twine &what) {
  std::error_code error(code, std::generic_category());
  return createStringError(error, what + ": " + error.message());
}

namespace {

/// Bytes of a file, mapped until the end of the scope.
class Mapping {
public:
  Mapping(int file, uint64_t offset, uint64_t bytes, int protection) {
    uint64_t start = alignDown(offset, kWeightAlignment);
    length = offset - start + bytes;
    base = mmap(nullptr, length, protection, MAP_SHARED, file, off_t(start));
    data = base == MAP_FAILED ? nullptr : static_cast<char *>(base) + (offset - start);
  }
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;
  ~Mapping() {
    if (data)
      munmap(base, length);
  }
  char *data;

private:
  void *base;
  size_t length;
};

class Writer {
public:
  Writer(int file, uint64_t offset, const WeightWriter &weights,
         const std::function<void(uint64_t, uint64_t)> &progress)
      : file(file), offset(offset), weights(weights), progress(progress), blocks(divideCeil(weights.bytes, kHashBlock)),
        missing(blocks), hashes(blocks) {}

  Error run(unsigned workers) {
    if (Error error = plan())
      return error;
    if (Error error = reserve())
      return error;
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < std::min<size_t>(workers, order.size()); ++i)
      threads.emplace_back([this] { work(); });
    work();
    for (std::thread &thread : threads)
      thread.join();
    if (failure)
      return std::move(*failure);
    for (uint64_t block = 0; block < blocks; ++block)
      if (!covered[block])
        if (Error error = hash(block))
          return error;
    return Error::success();
  }

  uint64_t hash() const {
    uint64_t hash = weights.bytes;
    for (uint64_t block : hashes)
      hash = program::hashCombine(hash, block);
    return hash;
  }

private:
  /// Puts the parts in the order of the file and counts what each block waits for.
  Error plan() {
    for (const WeightPart &part : weights.parts)
      order.push_back(&part);
    llvm::sort(order, [](const WeightPart *a, const WeightPart *b) { return a->offset < b->offset; });
    uint64_t end = 0;
    covered.resize(blocks);
    for (const WeightPart *part : order) {
      if (part->offset < end || part->offset > weights.bytes || part->bytes > weights.bytes - part->offset)
        return createStringError("weights overlap or lie outside of their section, at byte " + Twine(part->offset));
      end = part->offset + part->bytes;
      forBlocks(*part, [&](uint64_t block, uint64_t bytes) {
        missing[block] += bytes;
        covered[block] = true;
      });
    }
    return Error::success();
  }

  /// Takes the disk space now: running out of it in a mapping would be a signal.
  Error reserve() {
    if (ftruncate(file, off_t(offset + weights.bytes)) != 0)
      return systemError(errno, "cannot make room for the weights");
    if (int code = posix_fallocate(file, off_t(offset), off_t(weights.bytes));
        code && code != EOPNOTSUPP && code != EINVAL)
      return systemError(code, "cannot make room for " + Twine(weights.bytes >> 20) + " MB of weights");
    return Error::success();
  }

  template <typename F> void forBlocks(const WeightPart &part, F visit) {
    for (uint64_t at = part.offset, end = at + part.bytes; at < end;) {
      uint64_t block = at / kHashBlock, next = std::min(end, (block + 1) * kHashBlock);
      visit(block, next - at);
      at = next;
    }
  }

  Error hash(uint64_t block) {
    uint64_t at = block * kHashBlock, bytes = std::min(kHashBlock, weights.bytes - at);
    Mapping mapping(file, offset + at, bytes, PROT_READ);
    if (!mapping.data)
      return systemError(errno, "cannot map the weights");
    hashes[block] = program::hashBlock(mapping.data, bytes);
    return Error::success();
  }

  Error write(const WeightPart &part) {
    if (!part.bytes)
      return Error::success();
    {
      Mapping mapping(file, offset + part.offset, part.bytes, PROT_READ | PROT_WRITE);
      if (!mapping.data)
        return systemError(errno, "cannot map the weights");
      if (Error error = part.write(MutableArrayRef<char>(mapping.data, part.bytes)))
        return error;
    }
    Error error = Error::success();
    forBlocks(part, [&](uint64_t block, uint64_t bytes) {
      if (missing[block].fetch_sub(bytes) == bytes && !error)
        error = hash(block);
    });
    return error;
  }

  void work() {
    for (size_t i; !failed && (i = next++) < order.size();) {
      if (Error error = write(*order[i])) {
        std::lock_guard<std::mutex> lock(mutex);
        if (failure)
          consumeError(std::move(error));
        else
          failure.emplace(std::move(error));
        failed = true;
        return;
      }
      if (progress)
        progress(done += order[i]->bytes, weights.bytes);
    }
  }

  int file;
  uint64_t offset;
  const WeightWriter &weights;
  const std::function<void(uint64_t, uint64_t)> &progress;
  uint64_t blocks;
  std::vector<const WeightPart *> order;
  std::vector<std::atomic<uint64_t>> missing; ///< bytes that a block waits for
  std::vector<bool> covered;                  ///< blocks that some part touches
  std::vector<uint64_t> hashes;
  std::atomic<size_t> next = 0;
  std::atomic<uint64_t> done = 0;
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::optional<Error> failure; ///< the first; guarded by the mutex
};

} // namespace

Expected<uint64_t> sinter::writeWeights(int file, uint64_t offset, const WeightWriter &weights, unsigned workers,
                                        const std::function<void(uint64_t, uint64_t)> &progress) {
  Writer writer(file, offset, weights, progress);
  if (Error error = writer.run(workers))
    return std::move(error);
  return writer.hash();
}
