//===- HuggingFace.cpp - tokenizer.json ---------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/AddedTokens.h"
#include "tools/sinter/Tokenizer/BPE.h"
#include "tools/sinter/Tokenizer/Kinds.h"
#include "tools/sinter/Tokenizer/Pipeline.h"
#include "tools/sinter/Tokenizer/Unicode.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace sinter;

namespace {
/// How tokens become text. Steps that work on a token are applied when the file is read; what is left depends on the
/// token's place.
struct Decoding {
  bool byteLevel = false, byteFallback = false, joinWithSpaces = false;
  std::vector<std::pair<std::string, std::string>> replacements;
  std::string strip;      // taken from the front of the text ...
  unsigned stripMost = 0; // ... at most so many times
  std::string firstSpace; // Metaspace: dropped wherever it is in the first token, a space elsewhere

  Error read(const json::Value *value);
};

class HuggingFace : public Tokenizer {
public:
  static Expected<std::unique_ptr<Tokenizer>> create(const json::Object &root);

  std::vector<int64_t> encode(StringRef text, bool addSpecial) const override;
  bool decode(int64_t id, bool first, std::string &bytes) const override;
  std::optional<int64_t> find(StringRef token) const override;
  std::vector<int64_t> endTokens() const override;

private:
  explicit HuggingFace(BPE bpe) : bpe(std::move(bpe)) {}
  Error readAddedTokens(const json::Object &root);
  Error readPostProcessor(const json::Value *value);
  void makePieces(const Decoding &decoding);
  void encodeNormalized(StringRef text, bool first, BPE::Cache &cache, std::vector<int64_t> &ids) const;
  void encodePlain(StringRef text, bool first, BPE::Cache &cache, std::vector<int64_t> &ids) const;

  BPE bpe;
  std::unique_ptr<Normalizer> normalizer;
  std::unique_ptr<PreTokenizer> preTokenizer;
  std::vector<AddedToken> added;
  std::vector<std::string> spellings; // of `added`
  TokenFinder rawTokens, normalizedTokens;
  std::vector<int64_t> prefix, suffix; // of a text with special tokens

  std::vector<std::string> pieces;            // by id: the bytes it stands for; nothing for special tokens
  DenseMap<int64_t, std::string> firstPieces; // those that stand for something else at the front of a text
};
} // namespace

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

Error Decoding::read(const json::Value *value) {
  if (!value || value->getAsNull()) {
    joinWithSpaces = true;
    return Error::success();
  }
  const json::Object *step = value->getAsObject();
  StringRef type = step ? step->getString("type").value_or("") : "";
  if (type == "ByteLevel") {
    byteLevel = true;
  } else if (type == "ByteFallback") {
    byteFallback = true;
  } else if (type == "Replace") {
    const json::Object *pattern = step->getObject("pattern");
    StringRef from = pattern ? pattern->getString("String").value_or("") : "";
    if (from.empty())
      return createStringError("a decoder that replaces a regular expression is not supported");
    replacements.emplace_back(from.str(), step->getString("content").value_or("").str());
  } else if (type == "Strip") {
    strip = step->getString("content").value_or("").str();
    stripMost = std::clamp<int64_t>(step->getInteger("start").value_or(0), 0, 1000);
    if (step->getInteger("stop").value_or(0))
      return createStringError("a decoder that strips the end of the text is not supported");
  } else if (type == "Metaspace") {
    StringRef space = step->getString("replacement").value_or("\xe2\x96\x81");
    StringRef scheme = step->getString("prepend_scheme")
                           .value_or(step->getBoolean("add_prefix_space").value_or(true) ? "always" : "never");
    if (space.empty())
      return createStringError("a Metaspace step has an empty replacement");
    replacements.emplace_back(space.str(), " ");
    if (scheme != "never")
      firstSpace = space.str();
  } else if (type == "Sequence" && step->getArray("decoders")) {
    for (const json::Value &part : *step->getArray("decoders"))
      if (Error error = read(&part))
        return error;
  } else if (type != "Fuse") {
    return createStringError("decoder '" + type + "' is not supported");
  }
  return Error::success();
}

Error HuggingFace::readAddedTokens(const json::Object &root) {
  const json::Array *list = root.getArray("added_tokens");
  if (!list)
    return Error::success();
  for (const json::Value &value : *list) {
    const json::Object *object = value.getAsObject();
    std::optional<int64_t> id = object ? object->getInteger("id") : std::nullopt;
    std::optional<StringRef> content = object ? object->getString("content") : std::nullopt;
    if (!id || *id < 0 || *id >= kMaxTokens || !content)
      return createStringError("an added token has no content or no good id");
    auto is = [&](StringRef key) { return object->getBoolean(key).value_or(false); };
    AddedToken token{content->str(),   *id,          is("single_word"), is("lstrip"), is("rstrip"),
                     is("normalized"), is("special")};
    // A normalized token is looked for, and read out, in its normalized spelling.
    std::string spelling = token.normalized && normalizer ? normalizer->apply(token.content) : token.content;
    (token.normalized ? normalizedTokens : rawTokens).add(token, spelling);
    spellings.push_back(std::move(spelling));
    added.push_back(std::move(token));
  }
  return Error::success();
}

Error HuggingFace::readPostProcessor(const json::Value *value) {
  if (!value || value->getAsNull())
    return Error::success();
  const json::Object *step = value->getAsObject();
  StringRef type = step ? step->getString("type").value_or("") : "";
  if (type == "ByteLevel")
    return Error::success();
  if (type == "Sequence" && step->getArray("processors")) {
    for (const json::Value &part : *step->getArray("processors"))
      if (Error error = readPostProcessor(&part))
        return error;
    return Error::success();
  }
  if (type == "RobertaProcessing" || type == "BertProcessing") {
    for (auto [key, ids] : {std::pair<StringRef, std::vector<int64_t> *>{"cls", &prefix}, {"sep", &suffix}}) {
      const json::Array *pair = step->getArray(key);
      if (!pair || pair->size() != 2 || !(*pair)[1].getAsInteger())
        return createStringError("the post-processor's " + key + " is damaged");
      ids->push_back(*(*pair)[1].getAsInteger());
    }
    return Error::success();
  }
  const json::Array *single = type == "TemplateProcessing" ? step->getArray("single") : nullptr;
  const json::Object *special = step ? step->getObject("special_tokens") : nullptr;
  if (!single)
    return createStringError("post-processor '" + type + "' is not supported");
  bool behind = false;
  for (const json::Value &part : *single) {
    const json::Object *object = part.getAsObject();
    if (object && object->getObject("Sequence")) {
      behind = true;
      continue;
    }
    const json::Object *token = object ? object->getObject("SpecialToken") : nullptr;
    std::optional<StringRef> name = token ? token->getString("id") : std::nullopt;
    const json::Object *entry = name && special ? special->getObject(*name) : nullptr;
    const json::Array *ids = entry ? entry->getArray("ids") : nullptr;
    if (!ids)
      return createStringError("the post-processor names a token that it does not define");
    for (const json::Value &id : *ids)
      if (std::optional<int64_t> number = id.getAsInteger())
        (behind ? suffix : prefix).push_back(*number);
  }
  return Error::success();
}

/// The byte of a "<0xXX>" token, or -1.
static int byteOfToken(StringRef token) {
  unsigned byte;
  if (token.size() != 6 || !token.consume_front("<0x") || !token.consume_back(">") || token.getAsInteger(16, byte))
    return -1;
  return byte;
}

static void replaceAll(std::string &text, StringRef from, StringRef to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

void HuggingFace::makePieces(const Decoding &decoding) {
  auto add = [&](StringRef token, int64_t id) {
    std::string piece = token.str(), first = piece;
    int byte = decoding.byteFallback ? byteOfToken(token) : -1;
    std::string bytes;
    if (byte >= 0) {
      piece = first = std::string(1, char(byte));
    } else if (decoding.byteLevel) {
      if (BPE::fromByteAlphabet(token, bytes))
        piece = first = bytes;
    } else {
      if (!decoding.firstSpace.empty())
        replaceAll(first, decoding.firstSpace, "");
      for (auto &[from, to] : decoding.replacements) {
        replaceAll(piece, from, to);
        replaceAll(first, from, to);
      }
    }
    for (unsigned i = 0;
         i < decoding.stripMost && !decoding.strip.empty() && StringRef(first).starts_with(decoding.strip); ++i)
      first.erase(0, decoding.strip.size());
    if (decoding.joinWithSpaces)
      piece.insert(0, 1, ' ');
    if (first != piece)
      firstPieces[id] = std::move(first);
    if (size_t(id) >= pieces.size())
      pieces.resize(id + 1);
    pieces[id] = std::move(piece);
  };
  for (auto &entry : bpe.vocabulary())
    add(entry.first(), entry.second);
  for (auto [token, spelling] : zip(added, spellings))
    add(spelling, token.id);
  for (const AddedToken &token : added)
    if (token.special)
      pieces[token.id].clear();
}

Expected<std::unique_ptr<Tokenizer>> HuggingFace::create(const json::Object &root) {
  const json::Object *model = root.getObject("model");
  if (!model)
    return createStringError("it has no model");
  StringRef type = model->getString("type").value_or("BPE");
  if (type != "BPE")
    return createStringError("models of type '" + type + "' are not supported");
  Expected<std::unique_ptr<PreTokenizer>> preTokenizer = PreTokenizer::create(root.get("pre_tokenizer"));
  if (!preTokenizer)
    return preTokenizer.takeError();
  Expected<BPE> bpe = BPE::create(*model, *preTokenizer && (*preTokenizer)->isByteLevel());
  if (!bpe)
    return bpe.takeError();
  std::unique_ptr<HuggingFace> tokenizer(new HuggingFace(std::move(*bpe)));
  tokenizer->preTokenizer = std::move(*preTokenizer);
  Expected<std::unique_ptr<Normalizer>> normalizer = Normalizer::create(root.get("normalizer"));
  if (!normalizer)
    return normalizer.takeError();
  tokenizer->normalizer = std::move(*normalizer);
  Decoding decoding;
  if (Error error = tokenizer->readAddedTokens(root))
    return error;
  if (Error error = tokenizer->readPostProcessor(root.get("post_processor")))
    return error;
  if (Error error = decoding.read(root.get("decoder")))
    return error;
  tokenizer->makePieces(decoding);
  return tokenizer;
}

Expected<std::unique_ptr<Tokenizer>> sinter::loadHuggingFace(StringRef bytes) {
  Expected<json::Value> value = parseJson(bytes);
  if (!value)
    return createStringError("the tokenizer is no JSON: " + toString(value.takeError()));
  const json::Object *root = value->getAsObject();
  Expected<std::unique_ptr<Tokenizer>> tokenizer =
      root ? HuggingFace::create(*root) : createStringError("it is no object");
  if (!tokenizer)
    return createStringError("cannot use the tokenizer: " + toString(tokenizer.takeError()));
  return tokenizer;
}

//===----------------------------------------------------------------------===//
// Encoding and decoding
//===----------------------------------------------------------------------===//

void HuggingFace::encodePlain(StringRef text, bool first, BPE::Cache &cache, std::vector<int64_t> &ids) const {
  BumpPtrAllocator memory;
  StringSaver saver(memory);
  std::vector<Piece> words = {{text, first}};
  if (preTokenizer)
    preTokenizer->apply(words, saver);
  for (const Piece &word : words)
    bpe.encode(word.text, cache, ids);
}

void HuggingFace::encodeNormalized(StringRef text, bool first, BPE::Cache &cache, std::vector<int64_t> &ids) const {
  std::string storage;
  if (normalizer) {
    storage = normalizer->apply(text);
    text = storage;
  }
  const char *begin = text.begin();
  normalizedTokens.split(text, [&](StringRef part, const AddedToken *token) {
    if (token)
      ids.push_back(token->id);
    else
      encodePlain(part, first && part.begin() == begin, cache, ids);
  });
}

std::vector<int64_t> HuggingFace::encode(StringRef text, bool addSpecial) const {
  std::vector<int64_t> ids;
  if (addSpecial)
    ids = prefix;
  BPE::Cache cache;
  std::string valid = unicode::toValid(text);
  const char *begin = valid.data();
  rawTokens.split(valid, [&](StringRef part, const AddedToken *token) {
    if (token)
      ids.push_back(token->id);
    else
      encodeNormalized(part, part.begin() == begin, cache, ids);
  });
  if (addSpecial)
    ids.insert(ids.end(), suffix.begin(), suffix.end());
  return ids;
}

bool HuggingFace::decode(int64_t id, bool first, std::string &bytes) const {
  if (id < 0 || size_t(id) >= pieces.size() || pieces[id].empty())
    return false;
  auto different = first ? firstPieces.find(id) : firstPieces.end();
  bytes += different != firstPieces.end() ? different->second : pieces[id];
  return true;
}

std::optional<int64_t> HuggingFace::find(StringRef token) const {
  for (const AddedToken &other : added)
    if (other.content == token)
      return other.id;
  auto it = bpe.vocabulary().find(token);
  if (it == bpe.vocabulary().end())
    return std::nullopt;
  return it->second;
}

std::vector<int64_t> HuggingFace::endTokens() const {
  static constexpr StringLiteral usual[] = {"<|endoftext|>", "</s>",    "<|im_end|>", "<|end_of_text|>",
                                            "<|eot_id|>",    "<|end|>", "<eos>",      "<end_of_turn>"};
  std::vector<int64_t> ids;
  for (const AddedToken &token : added)
    if (token.special && is_contained(usual, StringRef(token.content)))
      ids.push_back(token.id);
  return ids;
}
