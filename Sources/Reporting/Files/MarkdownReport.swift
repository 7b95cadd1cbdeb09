import Mustache

/// A report for people to read beside code: GitHub's Markdown.
package enum MarkdownReport {
  package static func text(_ report: Report) throws -> String {
    try MustacheTemplate(string: template).render(MarkdownPage(report))
  }

  /// What it prints is escaped beforehand: Mustache's own escaping is HTML's.
  private static let template = """
    {{% CONTENT_TYPE:TEXT}}
    # {{title}}

    {{#about}}
    {{.}}

    {{/about}}
    - Machine: {{machine}}
    - Build: {{build}}
    - Result: {{summary}}
    {{#warnings}}
    - **Warning:** {{.}}
    {{/warnings}}

    {{#workloads}}
    ## {{name}}

    {{#constants}}
    All cases: {{.}}

    {{/constants}}
    {{#figures}}
    |{{#titles}} {{.}} |{{/titles}}
    |{{#rules}}{{.}}|{{/rules}}
    {{#rows}}
    |{{#cells}} {{.}} |{{/cells}}
    {{/rows}}

    {{/figures}}
    {{#memory}}
    ### Memory of {{name}}

    |{{#titles}} {{.}} |{{/titles}}
    |{{#rules}}{{.}}|{{/rules}}
    {{#rows}}
    |{{#cells}} {{.}} |{{/cells}}
    {{/rows}}

    {{/memory}}
    {{/workloads}}
    {{#others}}
    ## Skipped and failed

    |{{#titles}} {{.}} |{{/titles}}
    |{{#rules}}{{.}}|{{/rules}}
    {{#rows}}
    |{{#cells}} {{.}} |{{/cells}}
    {{/rows}}

    {{/others}}
    ## Notes

    {{#notes}}
    - {{.}}
    {{/notes}}

    <details><summary>The command that repeats a row</summary>

    ```sh
    {{#commands}}
    {{.}}
    {{/commands}}
    ```

    </details>

    """
}
