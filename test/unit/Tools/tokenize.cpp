//===- tokenize.cpp - ids of a text, for test/numeric/test_tokenizer_ids.py --===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
// tokenize TOKENIZER KIND SPECIAL TEXT IDS DECODED: encodes a file (SPECIAL is 0 or 1), writes the ids as int32 and the
// streamed text, and prints the speed.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/Tokenizer.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace llvm;

int main(int argc, char **argv) {
  if (argc != 7)
    return 2;
  ExitOnError exitOnError("tokenize: ");
  auto file = exitOnError(errorOrToExpected(MemoryBuffer::getFile(argv[1])));
  auto text = exitOnError(errorOrToExpected(MemoryBuffer::getFile(argv[4])));
  auto now = [] { return std::chrono::steady_clock::now(); };
  auto seconds = [](auto time) { return std::chrono::duration<double>(time).count(); };
  auto begin = now();
  auto tokenizer = exitOnError(sinter::Tokenizer::load(file->getBuffer(), argv[2]));
  auto loaded = now();
  std::vector<int64_t> ids = tokenizer->encode(text->getBuffer(), argv[3][0] == '1');
  auto encoded = now();
  std::error_code code;
  raw_fd_ostream out(argv[5], code), decoded(argv[6], code);
  sinter::TextStream stream(*tokenizer);
  for (int64_t id : ids) {
    int32_t small = id;
    out.write(reinterpret_cast<const char *>(&small), sizeof small);
    decoded << stream.push(id);
  }
  decoded << stream.finish();
  outs() << formatv("load {0:f0} ms, encode {1:f1} MB/s\n", 1000 * seconds(loaded - begin),
                    text->getBufferSize() / seconds(encoded - loaded) / 1e6);
  return 0;
}
