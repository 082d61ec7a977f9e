import java.io.FileInputStream;
import java.io.InputStream;
import java.util.List;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Has veraPDF judge each file given: PDF/A-2a (ISO 19005-2, level A) and PDF/UA-1 (ISO 14289-1). Exits with 1 when one does not conform. */
public final class ValidatePdf {
  private static final List<PDFAFlavour> FLAVOURS = List.of(PDFAFlavour.PDFA_2_A, PDFAFlavour.PDFUA_1);

  public static void main(String[] files) throws Exception {
    VeraGreenfieldFoundryProvider.initialise();
    boolean conform = files.length > 0;
    for (String file : files) {
      for (PDFAFlavour flavour : FLAVOURS) {
        ValidationResult result = validate(file, flavour);
        conform &= result.isCompliant();
        System.out.printf("%s %s: %s%n", file, flavour, result.isCompliant() ? "conforms" : "does not conform");
        for (TestAssertion failed : result.getTestAssertions()) {
          System.out.printf("  clause %s: %s%n", failed.getRuleId().getClause(), failed.getMessage());
        }
      }
    }
    System.exit(conform ? 0 : 1);
  }

  private static ValidationResult validate(String file, PDFAFlavour flavour) throws Exception {
    try (InputStream input = new FileInputStream(file);
        PDFAParser parser = Foundries.defaultInstance().createParser(input, flavour);
        PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, false)) {
      return validator.validate(parser);
    }
  }
}
