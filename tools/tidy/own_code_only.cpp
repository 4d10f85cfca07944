// A plugin that keeps clang-tidy 14 from matching system headers: what it finds
// there is never shown, but looking for it takes four fifths of its time, since
// it walks through the standard library once a file. clang-tidy 14 has no
// option for that.
//
// Loaded with --load and enabled as the check afxfw-own-code-only, which never
// finds anything. Left out are functions, variables, templates and namespaces that
// system headers declare; C's types stay, because
// bugprone-forward-declaration-namespace compares ours with them.

#include <clang-tidy/ClangTidyCheck.h>
#include <clang-tidy/ClangTidyModule.h>
#include <clang-tidy/ClangTidyModuleRegistry.h>
#include <clang/AST/ASTContext.h>
#include <clang/AST/Decl.h>
#include <clang/ASTMatchers/ASTMatchFinder.h>
#include <clang/Basic/SourceManager.h>

#include <vector>

namespace afxfw::tidy {
namespace {

using clang::ast_matchers::MatchFinder;

bool is_worth_a_look(const clang::Decl* declaration, const clang::SourceManager& sources) {
  return llvm::isa<clang::TypeDecl>(declaration) ||
         !sources.isInSystemHeader(sources.getExpansionLoc(declaration->getLocation()));
}

class OwnCodeOnly : public clang::tidy::ClangTidyCheck {
 public:
  using ClangTidyCheck::ClangTidyCheck;

  void registerMatchers(MatchFinder* finder) override {
    finder->addMatcher(clang::ast_matchers::decl().bind("declaration"), this);
  }

  void onStartOfTranslationUnit() override { limited_ = false; }

  /// The first declaration is the translation unit itself: its children are what
  /// the traversal scope says when it is entered. The next is the first of these,
  /// one of the compiler's own; from there on the scope is everything again, so
  /// that matchers find the parents that they would have found.
  void check(const MatchFinder::MatchResult& result) override {
    const auto* declaration = result.Nodes.getNodeAs<clang::Decl>("declaration");
    clang::TranslationUnitDecl* const unit = result.Context->getTranslationUnitDecl();
    if (declaration == unit) {
      // The compiler's own declarations come first, and are types.
      std::vector<clang::Decl*> scope;
      for (clang::Decl* child : unit->decls()) {
        if (is_worth_a_look(child, *result.SourceManager)) scope.push_back(child);
      }
      result.Context->setTraversalScope(scope);
      limited_ = true;
    } else if (limited_) {
      result.Context->setTraversalScope({unit});
      limited_ = false;
    }
  }

 private:
  bool limited_ = false;
};

class Module : public clang::tidy::ClangTidyModule {
 public:
  void addCheckFactories(clang::tidy::ClangTidyCheckFactories& factories) override {
    factories.registerCheck<OwnCodeOnly>("afxfw-own-code-only");
  }
};

const clang::tidy::ClangTidyModuleRegistry::Add<Module> kModule("afxfw", "afxfw's lint");

}  // namespace
}  // namespace afxfw::tidy
