//===- Notes.cpp - what a compilation could not do as well --------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/Notes.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace sinter::graph {

static constexpr StringLiteral kNotes = "graph.notes";
/// As many places are named as fit on a line.
static constexpr size_t kNamed = 2;

static ModuleOp moduleOf(Operation *op) {
  auto module = dyn_cast<ModuleOp>(op);
  return module ? module : op->getParentOfType<ModuleOp>();
}

void addNote(Operation *at, const Twine &what) {
  ModuleOp module = moduleOf(at);
  Builder builder(at->getContext());
  StringAttr text = builder.getStringAttr(what), place;
  if (!at->hasTrait<OpTrait::IsIsolatedFromAbove>())
    if (auto name = at->getLoc()->findInstanceOf<NameLoc>())
      place = name.getName();
  SmallVector<Attribute> all;
  if (auto known = module->getAttrOfType<ArrayAttr>(kNotes))
    llvm::append_range(all, known);
  // One list a sentence: itself, then its places.
  Attribute *list = llvm::find_if(all, [&](Attribute a) { return cast<ArrayAttr>(a)[0] == text; });
  if (list == all.end())
    list = &all.emplace_back(builder.getArrayAttr(text));
  if (place && !llvm::is_contained(cast<ArrayAttr>(*list), place)) {
    SmallVector<Attribute> places(cast<ArrayAttr>(*list).getValue());
    places.push_back(place);
    *list = builder.getArrayAttr(places);
  }
  module->setAttr(kNotes, builder.getArrayAttr(all));
}

std::vector<std::string> notes(ModuleOp module) {
  std::vector<std::string> lines;
  auto all = module->getAttrOfType<ArrayAttr>(kNotes);
  for (Attribute entry : all ? all.getValue() : ArrayRef<Attribute>()) {
    ArrayRef<Attribute> list = cast<ArrayAttr>(entry).getValue(), places = list.drop_front();
    std::string line = cast<StringAttr>(list[0]).str();
    for (auto [i, place] : llvm::enumerate(places.take_front(kNamed)))
      line += (i ? ", '" : ": '") + cast<StringAttr>(place).str() + "'";
    if (places.size() > kNamed)
      line += " and " + std::to_string(places.size() - kNamed) + " more";
    lines.push_back(std::move(line));
  }
  return lines;
}

} // namespace sinter::graph
