//===- Tokenizer.cpp - text to token ids and back -----------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/Tokenizer.h"
#include "tools/sinter/Tokenizer/Kinds.h"
#include "tools/sinter/Tokenizer/Unicode.h"


using namespace llvm;
using namespace sinter;

namespace {
/// Ids 0 to 255 are bytes.
class ByteTokenizer : public Tokenizer {
public:
  std::vector<int64_t> encode(StringRef text, bool addSpecial) const override {
    return std::vector<int64_t>(text.bytes_begin(), text.bytes_end());
  }
  bool decode(int64_t id, bool first, std::string &bytes) const override {
    if (id < 0 || id >= 256)
      return false;
    bytes += char(id);
    return true;
  }
};
} // namespace

Expected<std::unique_ptr<Tokenizer>> Tokenizer::load(StringRef bytes, StringRef kind) {
  if (kind == "bytes")
    return std::make_unique<ByteTokenizer>();
  if (kind == "hf" || (kind.empty() && bytes.ltrim().starts_with("{")))
    return loadHuggingFace(bytes);
  if (kind == "llama2c" || kind.empty())
    return loadLlama2c(bytes);
  return createStringError("'" + kind + "' is no kind of tokenizer: there are hf, llama2c and bytes");
}

/// Splits off the front of `bytes` what is one character, valid or not. 0: more bytes are needed to tell. Of an invalid
/// sequence, as much is taken as could have begun a valid one.
static size_t takeSequence(StringRef bytes, bool &valid) {
  uint8_t lead = bytes[0];
  unsigned length = unicode::sequenceLength(lead);
  valid = length != 0;
  for (unsigned i = 1; i < length; ++i) {
    if (i == bytes.size())
      return 0;
    uint8_t low = 0x80, high = 0xbf;
    if (i == 1) { // no overlong forms, surrogates or code points past the last
      low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : low;
      high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : high;
    }
    uint8_t next = bytes[i];
    if (next < low || next > high) {
      valid = false;
      return i;
    }
  }
  return length ? length : 1;
}

std::string TextStream::push(int64_t id) {
  if (tokenizer.decode(id, first, pending))
    first = false;
  std::string out;
  StringRef rest = pending;
  while (!rest.empty()) {
    bool valid;
    size_t length = takeSequence(rest, valid);
    if (!length)
      break;
    if (valid)
      out += rest.take_front(length);
    else
      unicode::append(out, unicode::kReplacement);
    rest = rest.drop_front(length);
  }
  pending = rest.str();
  return out;
}

std::string TextStream::finish() {
  std::string out;
  if (!pending.empty())
    unicode::append(out, unicode::kReplacement);
  pending.clear();
  return out;
}
