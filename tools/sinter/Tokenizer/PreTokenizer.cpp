//===- PreTokenizer.cpp - text to words ---------------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/Pipeline.h"
#include "tools/sinter/Tokenizer/Unicode.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace sinter;

namespace {
enum class Behavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

struct Span {
  size_t begin, end;
  bool matches;
};
} // namespace

/// Appends the parts of `piece` that `spans`, which cover it, become.
static void addSplit(const Piece &piece, ArrayRef<Span> spans, Behavior behavior, std::vector<Piece> &out) {
  SmallVector<Span, 16> parts;
  bool lastMatches = false;
  switch (behavior) {
  case Behavior::Removed:
    llvm::copy_if(spans, std::back_inserter(parts), [](const Span &span) { return !span.matches; });
    break;
  case Behavior::Isolated:
    parts.append(spans.begin(), spans.end());
    break;
  case Behavior::Contiguous:
    for (const Span &span : spans)
      if (!parts.empty() && parts.back().matches == span.matches)
        parts.back().end = span.end;
      else
        parts.push_back(span);
    break;
  case Behavior::MergedWithPrevious:
    for (const Span &span : spans) {
      if (span.matches && !lastMatches && !parts.empty())
        parts.back().end = span.end;
      else
        parts.push_back(span);
      lastMatches = span.matches;
    }
    break;
  case Behavior::MergedWithNext:
    for (const Span &span : reverse(spans)) {
      if (span.matches && !lastMatches && !parts.empty())
        parts.back().begin = span.begin;
      else
        parts.push_back(span);
      lastMatches = span.matches;
    }
    std::reverse(parts.begin(), parts.end());
    break;
  }
  for (const Span &part : parts)
    if (part.begin < part.end)
      out.push_back({piece.text.slice(part.begin, part.end), piece.first && part.begin == 0});
}

namespace {
struct Sequence : PreTokenizer {
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  void apply(std::vector<Piece> &pieces, StringSaver &saver) const override {
    for (auto &step : steps)
      step->apply(pieces, saver);
  }
  bool isByteLevel() const override { return !steps.empty() && steps.back()->isByteLevel(); }
};

struct Split : PreTokenizer {
  Pattern pattern;
  Behavior behavior = Behavior::Isolated;
  bool invert = false;
  void apply(std::vector<Piece> &pieces, StringSaver &saver) const override {
    std::vector<Piece> out;
    SmallVector<Span, 0> spans;
    for (const Piece &piece : pieces) {
      spans.clear();
      pattern.split(piece.text,
                    [&](size_t begin, size_t end, bool matches) { spans.push_back({begin, end, matches != invert}); });
      addSplit(piece, spans, behavior, out);
    }
    pieces = std::move(out);
  }
};

/// Splits at characters of a kind.
struct CharacterSplit : PreTokenizer {
  bool (*matches)(uint32_t);
  Behavior behavior;
  CharacterSplit(bool (*matches)(uint32_t), Behavior behavior) : matches(matches), behavior(behavior) {}
  void apply(std::vector<Piece> &pieces, StringSaver &saver) const override {
    std::vector<Piece> out;
    SmallVector<Span, 0> spans;
    for (const Piece &piece : pieces) {
      spans.clear();
      bool valid;
      for (StringRef rest = piece.text; !rest.empty();) {
        size_t begin = rest.begin() - piece.text.begin();
        bool match = matches(unicode::takeCodePoint(rest, valid));
        size_t end = rest.begin() - piece.text.begin();
        if (!match && !spans.empty() && !spans.back().matches)
          spans.back().end = end;
        else
          spans.push_back({begin, end, match});
      }
      addSplit(piece, spans, behavior, out);
    }
    pieces = std::move(out);
  }
};

struct ByteLevel : PreTokenizer {
  bool addPrefixSpace = true;
  std::unique_ptr<Split> split; // by GPT-2's pattern, or null
  void apply(std::vector<Piece> &pieces, StringSaver &saver) const override {
    if (addPrefixSpace)
      for (Piece &piece : pieces)
        if (!piece.text.starts_with(" "))
          piece.text = saver.save(" " + piece.text);
    if (split)
      split->apply(pieces, saver);
  }
  bool isByteLevel() const override { return true; }
};

struct Metaspace : PreTokenizer {
  enum class Scheme { First, Never, Always } scheme = Scheme::Always;
  std::string replacement;
  bool splits = true;
  void apply(std::vector<Piece> &pieces, StringSaver &saver) const override {
    std::vector<Piece> out;
    SmallVector<Span, 0> spans;
    for (const Piece &piece : pieces) {
      std::string text;
      text.reserve(piece.text.size() + piece.text.size() / 2);
      for (char c : piece.text)
        if (c == ' ')
          text += replacement;
        else
          text += c;
      bool prepend = scheme == Scheme::Always || (scheme == Scheme::First && piece.first);
      if (prepend && !StringRef(text).starts_with(replacement))
        text.insert(0, replacement);
      Piece whole = {saver.save(text), piece.first};
      if (!splits) {
        out.push_back(whole);
        continue;
      }
      spans.clear();
      size_t done = 0;
      for (size_t at = whole.text.find(replacement); at != StringRef::npos; at = whole.text.find(replacement, done)) {
        if (done < at)
          spans.push_back({done, at, false});
        done = at + replacement.size();
        spans.push_back({at, done, true});
      }
      if (done < whole.text.size())
        spans.push_back({done, whole.text.size(), false});
      addSplit(whole, spans, Behavior::MergedWithNext, out);
    }
    pieces = std::move(out);
  }
};
} // namespace

static Expected<Behavior> parseBehavior(const json::Object &step) {
  StringRef name = step.getString("behavior").value_or("Isolated");
  std::optional<Behavior> behavior = StringSwitch<std::optional<Behavior>>(name)
                                         .Case("Removed", Behavior::Removed)
                                         .Case("Isolated", Behavior::Isolated)
                                         .Case("MergedWithPrevious", Behavior::MergedWithPrevious)
                                         .Case("MergedWithNext", Behavior::MergedWithNext)
                                         .Case("Contiguous", Behavior::Contiguous)
                                         .Default(std::nullopt);
  if (!behavior)
    return createStringError("split behavior '" + name + "' is not supported");
  return *behavior;
}

static Expected<std::unique_ptr<PreTokenizer>> createByteLevel(const json::Object &step) {
  auto level = std::make_unique<ByteLevel>();
  level->addPrefixSpace = step.getBoolean("add_prefix_space").value_or(true);
  if (step.getBoolean("use_regex").value_or(true)) {
    level->split = std::make_unique<Split>();
    json::Object pattern{
        {"pattern",
         json::Object{{"Regex", R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"}}}};
    Expected<Pattern> gpt2 = Pattern::create(pattern);
    if (!gpt2)
      return gpt2.takeError();
    level->split->pattern = std::move(*gpt2);
  }
  return level;
}

static Expected<std::unique_ptr<PreTokenizer>> createMetaspace(const json::Object &step) {
  auto metaspace = std::make_unique<Metaspace>();
  metaspace->replacement = step.getString("replacement").value_or("\xe2\x96\x81").str();
  metaspace->splits = step.getBoolean("split").value_or(true);
  StringRef scheme = step.getString("prepend_scheme")
                         .value_or(step.getBoolean("add_prefix_space").value_or(true) ? "always" : "never");
  metaspace->scheme = StringSwitch<Metaspace::Scheme>(scheme)
                          .Case("first", Metaspace::Scheme::First)
                          .Case("never", Metaspace::Scheme::Never)
                          .Default(Metaspace::Scheme::Always);
  if (metaspace->replacement.empty())
    return createStringError("a Metaspace step has an empty replacement");
  return metaspace;
}

Expected<std::unique_ptr<PreTokenizer>> PreTokenizer::create(const json::Value *value) {
  if (!value || value->getAsNull())
    return nullptr;
  const json::Object *step = value->getAsObject();
  StringRef type = step ? step->getString("type").value_or("") : "";
  if (type == "ByteLevel")
    return createByteLevel(*step);
  if (type == "Metaspace")
    return createMetaspace(*step);
  if (type == "Digits") {
    bool alone = step->getBoolean("individual_digits").value_or(false);
    return std::make_unique<CharacterSplit>([](uint32_t c) { return unicode::isIn(c, unicode::kNumber); },
                                            alone ? Behavior::Isolated : Behavior::Contiguous);
  }
  if (type == "WhitespaceSplit")
    return std::make_unique<CharacterSplit>(unicode::isWhitespace, Behavior::Removed);
  if (type == "Punctuation" || type == "Split") {
    Expected<Behavior> behavior = parseBehavior(*step);
    if (!behavior)
      return behavior.takeError();
    if (type == "Punctuation")
      return std::make_unique<CharacterSplit>(
          [](uint32_t c) {
            bool isAscii = c < 128 && unicode::isIn(c, unicode::kPunctuation | unicode::kSymbol);
            return isAscii || unicode::isIn(c, unicode::kPunctuation);
          },
          *behavior);
    auto split = std::make_unique<Split>();
    split->behavior = *behavior;
    split->invert = step->getBoolean("invert").value_or(false);
    Expected<Pattern> pattern = Pattern::create(*step);
    if (!pattern)
      return pattern.takeError();
    split->pattern = std::move(*pattern);
    return split;
  }
  const json::Array *list = type == "Sequence" ? step->getArray("pretokenizers") : nullptr;
  if (!list)
    return createStringError("pre-tokenizer '" + type + "' is not supported");
  auto sequence = std::make_unique<Sequence>();
  for (const json::Value &part : *list) {
    if (sequence->isByteLevel())
      return createStringError("a pre-tokenizer behind ByteLevel is not supported");
    Expected<std::unique_ptr<PreTokenizer>> inner = create(&part);
    if (!inner)
      return inner.takeError();
    if (*inner)
      sequence->steps.push_back(std::move(*inner));
  }
  return sequence;
}
