/** Spanish words of verdicts and checks, keyed by core's codes. */
import type { verdicts as en } from "../en/verdicts.ts";

export const verdicts: typeof en = {
  outcomes: {
    verified: {
      title: "Verificado",
      sentence: "Este archivo es exactamente lo que se firmó y se registró. Nada en él ha cambiado.",
    },
    registered: {
      title: "Registrado. Ahora compare su archivo.",
      sentence: "Hay un registro válido. Añada el archivo que recibió para ver si es el mismo.",
    },
    altered: {
      title: "Alterado",
      sentence:
        "Este archivo no es lo que se firmó. Se cambió después, aunque sea en un solo carácter, o la prueba pertenece a otro archivo.",
    },
    other_file: {
      title: "Prueba de otro archivo",
      sentence:
        "La prueba que lo acompaña pertenece a otro archivo. Este archivo tiene su propio registro en este notario.",
    },
    not_found: {
      title: "No encontrado",
      sentence:
        "Este notario no tiene registro de este contenido exacto. Un archivo que se cambió de cualquier forma desde que se registró, aunque solo se haya vuelto a guardar, tampoco se encuentra.",
    },
    incomplete: {
      title: "Todavía no se puede decir",
      sentence: "Hasta ahora no hay nada mal, pero falta algo que el veredicto necesita.",
    },
    unreachable: {
      title: "No se puede decir: el notario no responde",
      sentence:
        "Esto no dice nada sobre el archivo. Añada su archivo de prueba para comprobarlo sin el notario, o inténtelo más tarde.",
    },
    superseded: {
      title: "Sustituido por una versión posterior",
      sentence: "Se firmó y se registró, y después se sustituyó. Pida la versión que vale ahora.",
    },
    revoked: {
      title: "Revocado",
      sentence: "Se firmó y se registró, y después se retiró. No se fíe de él.",
    },
    issuer_revoked: {
      title: "Firmante ya no aceptado",
      sentence:
        "El archivo no ha cambiado y se registró en regla, pero después el notario retiró al firmante el derecho de registrar. Pregunte a la agencia antes de fiarse de él.",
    },
    untrusted: {
      title: "Sin confianza",
      sentence:
        "La prueba es coherente, pero nada en lo que usted confía responde por el registro ni por el firmante. Cualquiera podría haberla hecho.",
    },
    invalid: {
      title: "Prueba no válida",
      sentence: "La prueba está dañada o falsificada, así que no demuestra nada. El archivo mismo puede ser auténtico.",
    },
  },
  checks: {
    heading: (count: number): string => `Las ${count} comprobaciones`,
    status: { pass: "Superada", fail: "Fallida", unknown: "Abierta" },
    finding: "Resultado, para expertos",
    rests: "Se apoya en",
    code: "Código",
    names: {
      format: "El archivo de prueba se puede leer",
      content: "El archivo es el que se firmó",
      issuer_key: "La clave del firmante vino con la prueba",
      signature: "La firma del firmante",
      inclusion: "El asiento está en el registro",
      receipt: "El recibo del registro",
      checkpoint: "El punto de control del registro",
      log: "El registro es uno en el que usted confía",
      witnesses: "Testigos independientes",
      issuer: "Quién es el firmante",
      time: "Una hora demostrada",
      anchors: "Anclado en un libro mayor",
      time_stamps: "Sello de tiempo de una autoridad",
      later: "Sustituido o revocado después",
    },
    pass: {
      format: "La prueba está completa y bien formada.",
      content: "La huella de su archivo es la que se firmó.",
      issuer_key: "La clave es la que nombra el registro firmado.",
      signature: "La firma cubre la huella del archivo, el expediente y la hora, y es correcta.",
      inclusion: "Un camino de hashes lleva de este asiento a la raíz del árbol del registro.",
      receipt: "El registro firmó esa raíz: nunca podrá quitar ni cambiar el asiento sin que se note.",
      checkpoint: "El registro firmó el tamaño y la raíz del mismo árbol.",
      log: "Las claves del registro son aquellas en las que usted confía.",
      witnesses: "Tantos testigos como pide su confianza han confirmado el estado del registro, o no pide ninguno.",
      issuer: "Algo en lo que usted confía responde de que la clave es del firmante.",
      time: "Alguien de confianza dice cuándo existía ya el asiento.",
      anchors: "El estado del registro consta en un libro mayor en el que usted confía, en un bloque de hora conocida.",
      time_stamps: "Una autoridad de sellado en la que usted confía confirmó el estado del registro.",
      later: "El notario no conoce ninguna declaración posterior que lo sustituya o revoque.",
    },
    fail: {
      format: "El archivo de prueba está dañado, o no es un archivo de prueba.",
      content: "La huella de su archivo no es la que se firmó.",
      issuer_key: "La clave que vino con la prueba no es la que nombra el registro firmado.",
      signature: "La firma no corresponde al registro: uno de los dos se cambió.",
      inclusion: "El asiento no lleva a la raíz del árbol del registro.",
      receipt: "El registro no firmó la raíz a la que lleva el asiento.",
      checkpoint: "El punto de control es de otro árbol, o su firma es incorrecta.",
      log: "Nada en lo que usted confía responde por este registro.",
      witnesses: "Las confirmaciones de los testigos no se sostienen.",
      issuer: "Nada en lo que usted confía responde por este firmante.",
      time: "La hora no se sostiene.",
      anchors: "El ancla en el libro mayor no se sostiene.",
      time_stamps: "El sello de tiempo no se sostiene.",
      later: "Una declaración posterior lo sustituye o revoca.",
    },
    unknown: {
      format: "Está por ver si la prueba se puede leer.",
      content: "No hay archivo con el que comparar.",
      issuer_key: "La clave del firmante no vino con la prueba.",
      signature: "La firma no se pudo comprobar.",
      inclusion: "La prueba no muestra todavía que el asiento esté en un registro.",
      receipt: "El recibo del registro no se pudo comprobar.",
      checkpoint: "Falta el punto de control del registro.",
      log: "No se pudo saber qué registro es.",
      witnesses: "Hasta ahora lo han confirmado menos testigos de los que pide su confianza.",
      issuer: "Todavía no se pudo saber quién es el firmante.",
      time: "Ninguna hora de confianza cubre todavía el asiento.",
      anchors: "Hay un ancla en un libro mayor; su archivo de confianza tendría que nombrarlo.",
      time_stamps: "Hay un sello de tiempo; su archivo de confianza tendría que nombrar a su autoridad.",
      later: "No se pudo preguntar a nadie si se sustituyó o revocó después.",
    },
    trust: {
      mathematics: "Solo cálculo: no hay que creer a nadie.",
      noted: "Las claves del registro, como las anotó este navegador en su primer contacto con el notario.",
      trust_file: "El archivo de confianza que usted instaló.",
      log: "El registro, que solo acepta a firmantes inscritos.",
      none: "Nada todavía.",
      notary: "El notario, al que se acaba de preguntar.",
      nobody: "Solo el archivo de prueba.",
    },
  },
  facts: {
    who: "Quién firmó",
    key: "Clave",
    namedByKey: "Un firmante conocido solo por su clave",
    record: "Expediente",
    when: "Cuándo",
    claimed: "Firmado",
    claimedBasis: "según el reloj del firmante: una afirmación",
    proven: "Existía ya",
    noTime: "Todavía sin hora demostrada",
    sources: {
      log: "según el reloj del propio registro; ninguna parte independiente responde todavía de la hora",
      witnesses: "confirmado por testigos independientes",
      ledger: "demostrado por un bloque del libro mayor",
      authority: "confirmado por la autoridad de sellado de tiempo",
    },
    where: "Dónde consta",
    entry: (index: string, origin: string): string => `Asiento ${index} del registro ${origin}`,
    block: (ledger: string, block: string): string => `Anclado en ${ledger}, bloque ${block}`,
    openBlock: (chain: string, block: string): string =>
      `Ancla en la cadena ${chain}, bloque ${block}: abierta, pues ningún archivo de confianza nombra ese libro mayor`,
    stamp: (authority: string): string => `Sello de tiempo de ${authority}`,
    notAnchored: "No anclado en un libro mayor en esta prueba",
    later: { supersedes: "Sustituido por", revokes: "Revocado por" },
    reason: "Motivo",
    thumbprint: "Huella del archivo (SHA-256)",
    thumbprintSigned: "Huella que se firmó (SHA-256)",
  },
};
